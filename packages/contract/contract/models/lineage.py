"""Tells from which other versions a fine-tuned version descends, and which recordings trained it.

A manifest's `lineage` lists the parent first, then the parent's parent, and so on. It repeats what
is needed of each ancestor, so it stays true when an ancestor is removed from the registry. `data`
lists every dataset that trained the weights: first those of the version's own training, then those
of its ancestors, which carry the number of the ancestor under `version`. So a reader that asks
whether a dataset trained a version needs to know nothing of ancestors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from contract.errors import ModelError
from contract.models.registry import ModelManifest

__all__ = ["Ancestor", "ancestors", "descend", "own_data", "unknown_data"]

Entry = dict[str, object]


@dataclass(frozen=True)
class Ancestor:
    """A version whose weights another version was trained from."""

    version: int
    """Its number when it was trained from; a registry may give the number to another version
    after the ancestor was removed, so `sha256` is what identifies it."""
    sha256: str
    """SHA-256 of its model.h5."""
    created_at: str
    datasets: list[str]
    """The datasets that its own training used."""
    imported_from: str = ""
    """Name of the file that it was imported from; "" for a version that was trained."""
    data_known: bool = True
    """Whether it is known which recordings trained it."""


def ancestors(manifest: ModelManifest) -> list[Ancestor]:
    """Return the ancestors of a version: its parent first; none if it started from random weights.

    Raises:
        ModelError: the manifest's lineage cannot be read.
    """
    try:
        return [_ancestor(entry) for entry in manifest.lineage]
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the lineage of model version {manifest.version} cannot be read",
            got=error,
            remedy="Promote another version, or train again",
        ) from error


def unknown_data(manifest: ModelManifest) -> list[Ancestor]:
    """Return the ancestors of which it is not known what trained them: any row may have."""
    return [ancestor for ancestor in ancestors(manifest) if not ancestor.data_known]


def own_data(manifest: ModelManifest) -> list[Entry]:
    """Return the entries of the datasets that the version's own training used."""
    return [entry for entry in manifest.data if "version" not in entry]


def descend(
    child: ModelManifest, parent: ModelManifest, origin: ModelManifest | None = None
) -> ModelManifest:
    """Return the manifest of a fine-tuned version with its lineage and its ancestors' datasets.

    Args:
        child: the manifest of the fine-tuning, with its own datasets.
        parent: the version that the training started from.
        origin: the version whose model.h5 was imported as `parent`, if the registry has it.
    """
    line = [_entry(parent, origin), *([] if origin is None else [_entry(origin, None)])]
    trained = parent if origin is None else origin
    own = {entry["dataset"] for entry in child.data}
    inherited = [
        {"version": trained.version, **entry}
        for entry in trained.data
        if entry["dataset"] not in own
    ]
    return dataclasses.replace(
        child, lineage=[*line, *trained.lineage], data=[*child.data, *inherited]
    )


def _entry(manifest: ModelManifest, origin: ModelManifest | None) -> Entry:
    imported = "imported_from" in manifest.config
    return asdict(
        Ancestor(
            manifest.version,
            manifest.sha256,
            manifest.created_at,
            [str(entry["dataset"]) for entry in own_data(manifest)],
            str(manifest.config.get("imported_from", "")),
            not imported or origin is not None,
        )
    )


def _ancestor(entry: Mapping[str, object]) -> Ancestor:
    ancestor = Ancestor(**entry)  # type: ignore[arg-type]  # the types are checked below
    types = {"version": int, "datasets": list, "data_known": bool}
    for name, value in asdict(ancestor).items():
        if type(value) is not types.get(name, str):
            raise ValueError(f"an ancestor whose {name} is {value!r:.60}")
    return ancestor
