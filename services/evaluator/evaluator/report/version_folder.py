"""What is in a version's folder, as data: missing is None, malformed an error that names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError
from contract.models import journal
from contract.models.journal import Decision

MAX_BYTES: Final = 64 << 20
"""Larger documents are not read."""


class Entry:
    """A value of a JSON document that knows where it stands.

    Every method raises ModelError, with file and place, where the value is of another kind.
    """

    def __init__(self, value: object, file: str, place: str = "") -> None:
        self.value = value
        self.file = file
        self._place = place

    def __getitem__(self, key: str) -> Entry:
        """Return the value of a field that must be there."""
        fields = self._of(dict, "an object")
        if key not in fields:
            raise self._wrong(f"without {key!r}")
        return self._at(fields[key], f".{key}")

    def get(self, key: str) -> Entry | None:
        """Return the value of a field, or None where it is missing or null."""
        found = self._of(dict, "an object").get(key)
        return None if found is None else self._at(found, f".{key}")

    def __iter__(self) -> Iterator[Entry]:
        """Go through a list."""
        for index, value in enumerate(self._of(list, "a list")):
            yield self._at(value, f"[{index}]")

    def entries(self, key: str) -> list[Entry]:
        """Return the entries of a field that holds a list; none where it is missing."""
        found = self.get(key)
        return [] if found is None else [*found]

    def fields(self) -> dict[str, Entry]:
        """Return the fields of an object, in the order of the document."""
        found = self._of(dict, "an object")
        return {str(key): self._at(value, f".{key}") for key, value in found.items()}

    def number(self) -> float:
        """Return a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self._wrong("no number")
        if not abs(self.value) < float("inf"):
            raise self._wrong("not finite")
        return float(self.value)

    def maybe(self, key: str) -> float | None:
        """Return the number in a field, or None where it is missing or null."""
        found = self.get(key)
        return None if found is None else found.number()

    def whole(self) -> int:
        """Return a whole number."""
        return int(self.number())

    def text(self) -> str:
        """Return a text."""
        return str(self._of(str, "a text"))

    def words(self, key: str, otherwise: str = "") -> str:
        """Return the text in a field, or another where it is missing or null."""
        found = self.get(key)
        return otherwise if found is None else found.text()

    def flag(self) -> bool:
        """Return a truth value."""
        return bool(self._of(bool, "true or false"))

    def _of(self, kind: type, name: str) -> Any:  # noqa: ANN401 - what JSON holds
        if not isinstance(self.value, kind):
            raise self._wrong(f"not {name}")
        return self.value

    def _at(self, value: object, step: str) -> Entry:
        return Entry(value, self.file, f"{self._place}{step}")

    def _wrong(self, what: str) -> ModelError:
        place = self._place.lstrip(".") or "the document"
        return ModelError(
            f"{self.file} is not what a report can be made of: {place} is {what}",
            got=f"{self.value!r:.80}",
            remedy="Make it anew, or take it away",
        )


class VersionFolder:
    """The folder of one version, in the models' one."""

    def __init__(self, models: Path, version: int) -> None:
        self.models = models
        self.version = version
        self.root = models / "versions" / str(version)

    def read(self, name: str) -> Entry | None:
        """Read a JSON document of the version, by its path in the folder; None where it is not.

        Raises:
            ModelError: it cannot be read.
        """
        path = self.root / name
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"{path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
            return Entry(json.loads(path.read_text(encoding="utf-8")), name)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(
                f"{name} of the version cannot be read",
                got=error,
                remedy="Make it anew, or take it away",
            ) from error

    def decisions(self) -> list[Decision]:
        """Return what the journal says of this version, the earliest first."""
        return [each for each in journal.read(self.models) if each.version == self.version]

    @property
    def manifest(self) -> Entry:
        """The version's manifest."""
        found = self.read("manifest.json")
        if found is None:
            raise ModelError("no such model version", got=self.version)
        return found

    def drives(self) -> list[str]:
        """List the names of the closed-loop evaluations in the simulator."""
        found = sorted(self.root.glob("evaluations/*/evaluation.json"))
        return [path.parent.name for path in found]

    def file(self, folder: str, entry: Entry, suffix: str) -> Path:
        """Return the path of a file that a document names, which lies beside it.

        Raises:
            ModelError: it is not there, lies elsewhere, or is of another kind.
        """
        name = entry.text()
        path = self.root / folder / name
        if Path(name).name != name or path.suffix != suffix or not path.is_file():
            raise ModelError(
                f"{entry.file} names a file that is not beside it, or is no {suffix}",
                got=name,
                remedy="Make it anew, or take it away",
            )
        return path
