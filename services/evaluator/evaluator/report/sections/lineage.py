"""The section on the lineage of a version that was trained further from another one."""

from __future__ import annotations

from typing import Final

from evaluator.report.document import Block, Paragraph, Section, Table, format_number
from evaluator.report.version_folder import JsonValue, VersionFolder

TITLE: Final = "Lineage"


def section(folder: VersionFolder) -> Section | None:
    """Return the section on the version's ancestors; None if its weights began as random ones."""
    manifest = folder.manifest
    ancestors = manifest.elements("lineage")
    if not ancestors:
        return None
    parent = ancestors[0]["version"].integer()
    blocks: list[Block] = [
        Paragraph(
            f"The training went on from the weights of version {parent}. Rows that trained one of "
            "the versions below may train this one again, but never validate it; nor do rows "
            f"within the gap around them.{_compare(manifest['metrics'], parent)}"
        ),
        Table(
            ("version", "SHA-256 of its model.h5", "published at", "its own training data"),
            tuple(_row(ancestor) for ancestor in ancestors),
            "The parent is first, its own parent follows, and so on. The checksum identifies a "
            "version: its number may be another version's after it was removed.",
            "manifest.json: lineage",
            words=4,
            wide=(1, 3),
        ),
    ]
    unknown = [
        str(ancestor["version"].integer())
        for ancestor in ancestors
        if not ancestor["data_known"].boolean()
    ]
    if unknown:
        text = (
            f"It is not known what trained version {' and version '.join(unknown)}: it was "
            "imported. Rows that validate this version may have trained it, so the errors on "
            "recorded frames may be too small. Only driving in the simulator is a fair measure."
        )
        blocks.append(Paragraph(text, "warning"))
    return Section("lineage", TITLE, tuple(blocks))


def _compare(metrics: JsonValue, parent: int) -> str:
    own, before = (
        metrics.optional_number(name) for name in ("validation_mse", "parent_validation_mse")
    )
    if own is None or before is None:
        return ""
    return (
        f" On the validation rows of this training, its MSE is {format_number(own, '.5f')}, and "
        f"version {parent} has {format_number(before, '.5f')}."
    )


def _row(ancestor: JsonValue) -> tuple[str, ...]:
    origin = ancestor["imported_from"].text()
    datasets = ", ".join(dataset.text() for dataset in ancestor["datasets"])
    return (
        str(ancestor["version"].integer()),
        ancestor["sha256"].text(),
        ancestor["created_at"].text(),
        f"imported from {origin}" if origin else datasets,
    )
