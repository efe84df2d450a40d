"""Composes the report on a version, and publishes it in the version's folder.

<models>/versions/<n>/report/    report.html report.md report.pdf pictures/
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract import publish
from contract.registry import Registry
from evaluator.report import (
    data,
    explanation,
    html,
    markdown,
    network,
    open_loop,
    pdf,
    provenance,
    rerun,
    simulator,
    summary,
    training,
)
from evaluator.report.document import Report
from evaluator.report.pictures import Pictures
from evaluator.report.source import VersionFolder

FOLDER: Final = "report"
HTML: Final = "report.html"
MARKDOWN: Final = "report.md"
PDF: Final = "report.pdf"


def write(models: Path, version: int, told: Callable[[str], None] = lambda phase: None) -> Path:
    """Write the report on a version in all forms; return its folder.

    An earlier report is replaced as a whole. Two that write at a time: the last one's stays.

    Args:
        models: the model volume.
        version: to report on.
        told: is told what is being done.

    Raises:
        ModelError: there is no such version, or a file of it is malformed.
    """
    registry = Registry(models)
    registry.manifest(version)
    final = registry.path(version) / FOLDER
    part = publish.temporary(final)
    part.mkdir()
    try:
        told("draw")
        report = compose(VersionFolder(models, version), registry.current(), Pictures(part))
        told("write")
        (part / HTML).write_text(html.render(report, part), encoding="utf-8")
        (part / MARKDOWN).write_text(markdown.render(report), encoding="utf-8")
        pdf.render(report, part, part / PDF)
        for path in sorted(part.rglob("*")):
            publish.sync(path)
        publish.sync(part)
        _replace(part, final)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return final


def compose(folder: VersionFolder, current: int | None, pictures: Pictures) -> Report:
    """Return the report on what is in a version's folder; its pictures are drawn."""
    manifest = folder.manifest
    digest = manifest["files"]["model.h5"]["sha256"].text()
    return Report(
        f"Lapwing: model version {folder.version}",
        f"Published at {manifest['created_at'].text()}; sha256 of model.h5 `{digest}`. Every "
        "figure names in brackets the file of the version's folder that it comes from.",
        (
            summary.section(folder, current),
            simulator.section(folder, pictures),
            rerun.section(folder, pictures),
            open_loop.section(folder, pictures),
            explanation.section(folder, pictures),
            data.section(folder, pictures),
            network.section(folder),
            training.section(folder, pictures),
            provenance.section(folder),
        ),
    )


def _replace(part: Path, final: Path) -> None:
    """Put a folder where another may be; a kill in between leaves none, never a mixture."""
    old = publish.temporary(final)
    if final.exists():
        final.rename(old)
    publish.rename(part, final)
    for left in publish.temporaries(final.parent, final.name):
        shutil.rmtree(left)
