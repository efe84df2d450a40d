"""The networks that can be trained, as data: networks.toml has their layers, row by row.

The file is checked when it is read: rows, values, sizes, and the number of parameters of each
network, which is counted here by arithmetic and not by Keras. network_builder.py builds them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from contract.errors import TrainingError
from contract.frames import spec

FILE: Final = Path(__file__).with_name("networks.toml")
ACTIVATIONS: Final = ("elu", "relu")
KINDS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "crop": {"top": (0, 127), "bottom": (0, 127)},
    "scale": {},
    "resize": {"height": (1, 1024), "width": (1, 1024)},
    "conv": {"filters": (1, 1024), "size": (1, 31), "stride": (1, 16)},
    "squeeze-excitation": {"units": (1, 1024)},
    "dropout": {"rate": (0.0, 0.95)},
    "flatten": {},
    "dense": {"units": (1, 4096)},
    "steering": {},
}
"""The kinds of rows, and the smallest and largest value of each of their numbers."""


@dataclass(frozen=True)
class NetworkRow:
    """One layer of a network: its kind, and the numbers that the kind has."""

    kind: str
    values: Mapping[str, float]

    def integer(self, name: str) -> int:
        """Return one of the values as a whole number."""
        return int(self.values[name])


@dataclass(frozen=True)
class TrainableNetwork:
    """A network that can be trained."""

    name: str
    source: str
    """Where the network comes from."""
    activation: str
    """Activation after each convolution and dense layer, one of ACTIVATIONS."""
    rows: tuple[NetworkRow, ...]
    parameters: int


def find_network(name: str, file: Path = FILE) -> TrainableNetwork:
    """Return the network with a name.

    Raises:
        TrainingError: there is no such network, or the file has a fault.
    """
    networks = read_networks(file)
    if name not in networks:
        raise TrainingError(
            "there is no such network", got=name, remedy=f"Known: {', '.join(networks)}"
        )
    return networks[name]


def read_networks(file: Path = FILE) -> dict[str, TrainableNetwork]:
    """Return all networks of a file by their names, in the order of the file.

    Raises:
        TrainingError: a network has a fault; the message names it and its row.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"{file.name} is not TOML", got=error) from error
    return {name: _read_network(name, table) for name, table in tables.items()}


def _read_network(name: str, table: object) -> TrainableNetwork:
    keys = {"source": str, "activation": str, "parameters": int, "layers": list}
    if not isinstance(table, dict) or set(table) != set(keys):
        found = sorted(table) if isinstance(table, dict) else table
        _refuse(name, "has other keys than a network has", found, f"It needs {', '.join(keys)}")
    for key, kind in keys.items():
        if type(table[key]) is not kind:
            _refuse(name, f"has a value of {key} of another type", table[key], kind.__name__)
    if table["activation"] not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        _refuse(name, "has an unknown activation", table["activation"], f"Known: {known}")
    rows = tuple(_read_row(name, number, row) for number, row in enumerate(table["layers"], 1))
    if [row.kind for row in rows].count("steering") != 1 or rows[-1].kind != "steering":
        _refuse(name, "must end with its only row of the kind steering", len(rows))
    if "scale" not in [row.kind for row in rows[:2]]:
        _refuse(name, "must scale the pixels in its first row, or in the second", rows[0].kind)
    counted = sum(_count_parameters(name, rows))
    if counted != table["parameters"]:
        _refuse(
            name,
            "has another number of parameters than it says",
            f"{counted:,}, not {table['parameters']:,}",
            "Correct the rows, or the number",
        )
    return TrainableNetwork(name, table["source"], table["activation"], rows, counted)


def _read_row(name: str, number: int, row: Any) -> NetworkRow:  # noqa: ANN401 - TOML's value
    place = f"has a fault in row {number}"
    if not isinstance(row, dict) or row.get("kind") not in KINDS:
        _refuse(name, f"{place}: its kind is unknown", row, f"Known: {', '.join(KINDS)}")
    limits = KINDS[row["kind"]]
    if set(row) - {"kind"} != set(limits):
        wanted = ", ".join(limits) or "nothing else"
        _refuse(name, f"{place}: it has other values", row, f"{row['kind']} has {wanted}")
    for key, (low, high) in limits.items():
        if type(row[key]) is not type(low) or not low <= row[key] <= high:
            _refuse(name, f"{place}: {key} is out of range", row[key], f"It takes {low} to {high}")
    return NetworkRow(row["kind"], {key: row[key] for key in limits})


def _count_parameters(name: str, rows: Sequence[NetworkRow]) -> Iterator[int]:
    """Yield the number of parameters of each row; each must fit the output of the row before."""
    shape: tuple[int, ...] = spec.SHAPE
    for number, row in enumerate(rows, 1):
        before = shape
        if row.kind in ("dense", "steering"):
            if len(shape) != 1:
                _refuse(name, f"has a fault in row {number}: it needs a row of values", shape)
            shape = (1 if row.kind == "steering" else row.integer("units"),)
            yield before[0] * shape[0] + shape[0]
        elif row.kind not in ("dropout", "scale"):
            if len(shape) != 3:
                _refuse(name, f"has a fault in row {number}: it needs an image", shape)
            shape, count = _image_row(row, shape)
            if min(shape) < 1:
                _refuse(name, f"has a fault in row {number}: it leaves nothing of", before)
            yield count


def _image_row(row: NetworkRow, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Return the shape after a row that takes an image, and the row's number of parameters."""
    height, width, channels = shape
    if row.kind == "crop":
        return (height - row.integer("top") - row.integer("bottom"), width, channels), 0
    if row.kind == "resize":
        return (row.integer("height"), row.integer("width"), channels), 0
    if row.kind == "flatten":
        return (height * width * channels,), 0
    if row.kind == "squeeze-excitation":
        units = row.integer("units")
        return shape, 2 * channels * units + units + channels
    size, filters = row.integer("size"), row.integer("filters")
    sizes = [(edge - size) // row.integer("stride") + 1 for edge in (height, width)]
    return (*sizes, filters), size * size * channels * filters + filters


def _refuse(name: str, what: str, got: object, remedy: str = "") -> NoReturn:
    raise TrainingError(f"the network {name} of {FILE.name} {what}", got=got, remedy=remedy)
