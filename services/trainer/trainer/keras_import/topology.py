"""Reads the `model_config` of a model file: the layers, one after another.

Keras 1 wrote a Sequential's layers as a list, Keras 2 as a dictionary with that list in it. A
functional model names the layers before each layer, in one form up to Keras 2 and in another since
Keras 3. A functional model is accepted if its layers form a chain; branches are allowed only after
the layers that the wanted output needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from contract.errors import ModelError
from trainer.keras_import.idle_layers import is_idle

MAX_LAYERS: Final = 500


@dataclass(frozen=True)
class LayerSpec:
    """One layer as the file describes it."""

    class_name: str
    """Keras's class of the layer."""
    name: str
    config: dict[str, Any]

    def __str__(self) -> str:
        return f"the layer {self.name} ({self.class_name})"


@dataclass(frozen=True)
class Topology:
    """The layers from the input image to one output."""

    layers: tuple[LayerSpec, ...]
    input_shape: Sequence[Any] | None
    """The shape as the file gives it: None for the batch, then the image; None if it gives none."""
    outputs: int
    """Number of outputs of the model, of which this is one."""
    all_layers: tuple[LayerSpec, ...]
    """All layers of the model, in the order of the file, also those of other outputs."""


def read(document: dict[str, Any], output: int | None) -> Topology:
    """Return the layers that lead to an output.

    Args:
        document: the architecture, as the file's JSON holds it.
        output: number of the output, from 0; None takes the only one.

    Raises:
        ModelError: the model is neither Sequential nor functional, has several inputs on the way,
            merges or shares layers, or has several outputs of which none is chosen.
    """
    class_name, config = _field(document, "class_name"), _field(document, "config")
    if class_name == "Sequential":
        described = config if isinstance(config, list) else _field(config, "layers")
        layers = tuple(_layer(layer) for layer in _limited(described))
        return Topology(layers, _input_shape(layers, document), 1, layers)
    if class_name in ("Model", "Functional"):
        return _functional(document, output)
    raise _not_understood(
        "it is neither a Sequential nor a functional model",
        class_name,
        "A subclassed model keeps its architecture in its own code, so a file cannot hold it",
    )


def _functional(document: dict[str, Any], output: int | None) -> Topology:
    config = document["config"]
    all_layers = tuple(_spec(layer) for layer in _limited(_field(config, "layers")))
    described = {layer.name: each for layer, each in zip(all_layers, config["layers"], strict=True)}
    outputs = _outputs(_field(config, "output_layers"))
    if len(outputs) > 1 and output is None:
        raise _not_understood(
            "it has several outputs",
            outputs,
            "Choose the steering with --output; 0 is the first",
        )
    chosen = output if len(outputs) > 1 and output is not None else 0
    if not 0 <= chosen < len(outputs):
        raise _not_understood(f"it has no output {chosen}", f"{len(outputs)} outputs")
    layers: list[LayerSpec] = []
    name: str | None = outputs[chosen]
    while name is not None:
        if name not in described:
            raise _not_understood("it names a layer that does not exist", name)
        layer = _layer(described[name])
        if len(layers) == len(described):
            raise _not_understood("its layers form a loop", str(layer))
        layers.insert(0, layer)
        name = _previous(described[name], layer)
    return Topology(tuple(layers), _input_shape(layers, document), len(outputs), all_layers)


def _previous(described: dict[str, Any], layer: LayerSpec) -> str | None:
    """Return the name of the one layer before a layer, or None for an input."""
    nodes = described.get("inbound_nodes") or []
    if not isinstance(nodes, list) or len(nodes) > 1:
        raise _not_understood(f"{layer} is used more than once", "shared layers are not supported")
    if not nodes:
        return None
    names = _names(nodes[0])
    if len(names) != 1:
        raise _not_understood(f"{layer} does not have exactly one layer before it", names or "none")
    return names[0]


def _names(node: object) -> list[str]:
    """Return the names of layers in a node: [["conv", 0, 0, {}]], or the tensors of Keras 3."""
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


def _outputs(value: object) -> list[str]:
    """Return the names in "output_layers": one triple, or a list or dictionary of them."""
    names = _names(value)
    if not names:
        raise _not_understood("it names no output", value)
    return names


def _layer(described: object) -> LayerSpec:
    """Return a layer on the way to the output, which must be an ordinary layer of Keras."""
    layer = _spec(described)
    registered = described.get("registered_name") if isinstance(described, dict) else None
    if registered not in (None, layer.class_name):
        raise _not_understood(
            f"{layer} is a custom class",
            registered,
            "Only layers of Keras itself are supported: its own code would have to be run",
        )
    nested = layer.config.get("layers", layer.config.get("layer"))
    if nested is not None and not is_idle(layer.class_name, layer.config):
        raise _not_understood(
            f"{layer} contains other layers",
            "nested layers",
            "Put the layers of the inner model into the outer one, and save it again",
        )
    return layer


def _spec(described: object) -> LayerSpec:
    class_name, config = str(_field(described, "class_name")), _field(described, "config")
    if not isinstance(config, dict):
        raise _not_understood(f"a layer of class {class_name} is itself a model", "nested layers")
    name = str(config.get("name") or _field(described, "name"))
    layer = LayerSpec(class_name, name, config)
    if isinstance(described, dict):
        built = described.get("build_config")
        if isinstance(built, dict) and "input_shape" in built:
            layer = LayerSpec(class_name, name, {**config, "built_for": built["input_shape"]})
    return layer


def _input_shape(layers: Sequence[LayerSpec], document: dict[str, Any]) -> Sequence[Any] | None:
    if not layers:
        raise _not_understood("it has no layers", None)
    first, config = layers[0].config, document["config"]
    for source, key in (
        (first, "batch_input_shape"),
        (first, "batch_shape"),
        (config, "build_input_shape"),
        (first, "built_for"),
    ):
        if isinstance(source, dict) and isinstance(shape := source.get(key), list):
            return shape
    return None


def _limited(layers: object) -> list[Any]:
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise _not_understood(
            f"it has no list of at most {MAX_LAYERS} layers", type(layers).__name__
        )
    return layers


def _field(value: object, name: str) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, dict) or name not in value:
        raise _not_understood(f"its architecture lacks {name}", str(value)[:80])
    return value[name]


def _not_understood(problem: str, got: object, remedy: str = "") -> ModelError:
    return ModelError(
        f"the model is not supported: {problem}",
        got=got,
        remedy=remedy or "Only a chain of layers from one image to one output is supported",
    )
