"""Reads a version's folder: a missing file is None, a malformed one an error that names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError
from contract.models import journal
from contract.models.journal import Decision

MAX_BYTES: Final = 64 << 20
"""Largest document that is read."""
REMEDY: Final = "Make the file again, or remove it"


class JsonValue:
    """A value of a JSON document, with its path in the document for error messages.

    Every method raises ModelError, with the file and the path, if the value has another type.
    """

    def __init__(self, value: object, file: str, path: str = "") -> None:
        self.value = value
        self.file = file
        self._path = path

    def __getitem__(self, key: str) -> JsonValue:
        """Return the value of a required field."""
        fields = self._as(dict, "an object")
        if key not in fields:
            raise self._error(f"has no {key!r}")
        return self._child(fields[key], f".{key}")

    def get(self, key: str) -> JsonValue | None:
        """Return the value of a field, or None if it is missing or null."""
        value = self._as(dict, "an object").get(key)
        return None if value is None else self._child(value, f".{key}")

    def __iter__(self) -> Iterator[JsonValue]:
        """Iterate over a list."""
        for index, value in enumerate(self._as(list, "a list")):
            yield self._child(value, f"[{index}]")

    def elements(self, key: str) -> list[JsonValue]:
        """Return the elements of a field that holds a list; none if it is missing."""
        value = self.get(key)
        return [] if value is None else [*value]

    def fields(self) -> dict[str, JsonValue]:
        """Return the fields of an object, in the order of the document."""
        value = self._as(dict, "an object")
        return {str(key): self._child(value, f".{key}") for key, value in value.items()}

    def number(self) -> float:
        """Return a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self._error("is not a number")
        if not abs(self.value) < float("inf"):
            raise self._error("is not finite")
        return float(self.value)

    def optional_number(self, key: str) -> float | None:
        """Return the number in a field, or None if it is missing or null."""
        value = self.get(key)
        return None if value is None else value.number()

    def integer(self) -> int:
        """Return a whole number."""
        return int(self.number())

    def text(self) -> str:
        """Return a text."""
        return str(self._as(str, "a text"))

    def optional_text(self, key: str, default: str = "") -> str:
        """Return the text in a field, or a default if it is missing or null."""
        value = self.get(key)
        return default if value is None else value.text()

    def boolean(self) -> bool:
        """Return a truth value."""
        return bool(self._as(bool, "true or false"))

    def _as(self, expected: type, name: str) -> Any:  # noqa: ANN401 - a JSON value of any type
        if not isinstance(self.value, expected):
            raise self._error(f"is not {name}")
        return self.value

    def _child(self, value: object, step: str) -> JsonValue:
        return JsonValue(value, self.file, f"{self._path}{step}")

    def _error(self, problem: str) -> ModelError:
        path = self._path.lstrip(".") or "the document"
        return ModelError(
            f"{self.file} cannot be used in a report: {path} {problem}",
            got=f"{self.value!r:.80}",
            remedy=REMEDY,
        )


class VersionFolder:
    """The folder of one version in the model volume."""

    def __init__(self, models: Path, version: int) -> None:
        self.models = models
        self.version = version
        self.root = models / "versions" / str(version)

    def read(self, name: str) -> JsonValue | None:
        """Read a JSON document by its path in the folder; None if there is no such file.

        Raises:
            ModelError: the document cannot be read.
        """
        path = self.root / name
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"{path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
            return JsonValue(json.loads(path.read_text(encoding="utf-8")), name)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(
                f"{name} of the version cannot be read",
                got=error,
                remedy=REMEDY,
            ) from error

    def decisions(self) -> list[Decision]:
        """Return the journal's decisions on this version, the earliest first."""
        decisions = journal.read(self.models)
        return [decision for decision in decisions if decision.version == self.version]

    @property
    def manifest(self) -> JsonValue:
        """The version's manifest."""
        manifest = self.read("manifest.json")
        if manifest is None:
            raise ModelError("there is no such model version", got=self.version)
        return manifest

    def evaluation_names(self) -> list[str]:
        """Return the names of the closed-loop evaluations in the simulator."""
        paths = sorted(self.root.glob("evaluations/*/evaluation.json"))
        return [path.parent.name for path in paths]

    def shadow_names(self) -> list[str]:
        """Return the names of the drives in which the version steered along, oldest first."""
        paths = sorted(self.root.glob("evaluations/shadow-*/shadow.json"))
        return [path.parent.name for path in paths]

    def file(self, folder: str, value: JsonValue, suffix: str) -> Path:
        """Return the path of a file that a document names and that lies beside the document.

        Raises:
            ModelError: the file is missing, lies elsewhere, or has another suffix.
        """
        name = value.text()
        path = self.root / folder / name
        if Path(name).name != name or path.suffix != suffix or not path.is_file():
            raise ModelError(
                f"{value.file} names a file that is not beside it, or is not a {suffix} file",
                got=name,
                remedy=REMEDY,
            )
        return path
