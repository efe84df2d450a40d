"""Reads the `model_config` of a model file: which layers there are, one after another.

Keras 1 wrote a Sequential's layers as a list, Keras 2 as a dictionary with the list in it; a
functional model names the layers before each, in one way up to Keras 2 and in another since Keras
3. A functional model is taken where it is a chain, or branches only after what the wanted output
needs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from contract.errors import ModelError

MAX_LAYERS: Final = 500


@dataclass(frozen=True)
class Entry:
    """One layer as its file describes it."""

    kind: str
    """Keras's class name."""
    name: str
    config: dict[str, Any]

    def __str__(self) -> str:
        return f"the layer {self.name} ({self.kind})"


@dataclass(frozen=True)
class Chain:
    """The layers from the picture to one output."""

    entries: tuple[Entry, ...]
    input_shape: Sequence[Any] | None
    """Of the batch, as the file says it: None for the batch, then the picture's; None: not said."""
    outputs: int
    """How many outputs the model has, of which this is one."""


def read(text: str, output: int | None) -> Chain:
    """Return the layers that lead to an output, the only one by default.

    Raises:
        ModelError: it is no Sequential or functional model, has several inputs on the way, merges
            or shares layers, or has several outputs and none is chosen.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal("its architecture is no JSON", error) from error
    kind, config = _field(document, "class_name"), _field(document, "config")
    if kind == "Sequential":
        layers = config if isinstance(config, list) else _field(config, "layers")
        entries = tuple(_entry(each) for each in _bounded(layers))
        return Chain(entries, _input_shape(entries, document), 1)
    if kind in ("Model", "Functional"):
        return _functional(document, output)
    raise _refusal(
        "it is no Sequential and no functional model",
        kind,
        "A subclassed model keeps its architecture in its own code: it cannot be read from a file",
    )


def _functional(document: dict[str, Any], output: int | None) -> Chain:
    config = document["config"]
    described = {_entry(each).name: each for each in _bounded(_field(config, "layers"))}
    outputs = _ends(_field(config, "output_layers"))
    if len(outputs) > 1 and output is None:
        raise _refusal(
            "it has several outputs",
            outputs,
            "Say with --output which of them is the steering, 0 for the first",
        )
    chosen = output if len(outputs) > 1 and output is not None else 0
    if not 0 <= chosen < len(outputs):
        raise _refusal(f"it has no output {chosen}", f"{len(outputs)} outputs")
    entries: list[Entry] = []
    name: str | None = outputs[chosen]
    while name is not None:
        if name not in described:
            raise _refusal("a layer is named that is not there", name)
        entry = _entry(described[name])
        if len(entries) == len(described):
            raise _refusal("its layers go in a circle", str(entry))
        entries.insert(0, entry)
        name = _before(described[name], entry)
    return Chain(tuple(entries), _input_shape(entries, document), len(outputs))


def _before(described: dict[str, Any], entry: Entry) -> str | None:
    """Return the name of the one layer before a layer, or None for an input."""
    nodes = described.get("inbound_nodes") or []
    if not isinstance(nodes, list) or len(nodes) > 1:
        raise _refusal(f"{entry} is used more than once", "shared layers are not understood")
    if not nodes:
        return None
    found = _names(nodes[0])
    if len(found) != 1:
        raise _refusal(f"{entry} has not one layer before it", found or "none")
    return found[0]


def _names(node: object) -> list[str]:
    """Return the layers that a node names: [["conv", 0, 0, {}]], or Keras 3's tensors."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            history = node.get("config", {}).get("keras_history", [])
            return [str(history[0])] if history else []
        return [name for value in node.values() for name in _names(value)]
    if isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str):
            return [node[0]]
        return [name for value in node for name in _names(value)]
    return []


def _ends(value: object) -> list[str]:
    """Return the names in "output_layers": one triple, or a list or dictionary of them."""
    found = _names(value)
    if not found:
        raise _refusal("it names no output", value)
    return found


def _entry(described: object) -> Entry:
    kind, config = str(_field(described, "class_name")), _field(described, "config")
    if not isinstance(config, dict):
        raise _refusal(f"a layer of class {kind} is a model of its own", "nested layers")
    name = str(config.get("name") or _field(described, "name"))
    entry = Entry(kind, name, config)
    if isinstance(described, dict):
        registered = described.get("registered_name")
        if registered not in (None, kind):
            raise _refusal(f"{entry} is a class of somebody's own", registered)
        built = described.get("build_config")
        if isinstance(built, dict) and "input_shape" in built:
            entry = Entry(kind, name, {**config, "built_for": built["input_shape"]})
    if "layers" in config or "layer" in config:
        raise _refusal(f"{entry} contains other layers", "nested layers")
    return entry


def _input_shape(entries: Sequence[Entry], document: dict[str, Any]) -> Sequence[Any] | None:
    if not entries:
        raise _refusal("it has no layers", None)
    first, config = entries[0].config, document["config"]
    for where, key in (
        (first, "batch_input_shape"),
        (first, "batch_shape"),
        (config, "build_input_shape"),
        (first, "built_for"),
    ):
        if isinstance(where, dict) and isinstance(shape := where.get(key), list):
            return shape
    return None


def _bounded(layers: object) -> list[Any]:
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise _refusal(f"it has no list of at most {MAX_LAYERS} layers", type(layers).__name__)
    return layers


def _field(value: object, name: str) -> Any:  # noqa: ANN401 - of JSON
    if not isinstance(value, dict) or name not in value:
        raise _refusal(f"its architecture lacks {name}", str(value)[:80])
    return value[name]


def _refusal(what: str, got: object, remedy: str = "") -> ModelError:
    return ModelError(
        f"the model cannot be understood: {what}",
        got=got,
        remedy=remedy or "Only a chain of layers, from one picture to one output, is taken",
    )
