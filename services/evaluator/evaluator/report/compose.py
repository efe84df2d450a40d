"""Composes the report on a version, and publishes it in the version's folder.

<models>/versions/<n>/report/    report.html report.md report.pdf pictures/
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract import atomic_files
from contract.models.registry import Registry
from evaluator.report.assets import Pictures
from evaluator.report.document import Report
from evaluator.report.renderers import html, markdown, pdf
from evaluator.report.sections import (
    closed_loop,
    data,
    explanation,
    log_replay,
    network,
    open_loop,
    provenance,
    summary,
    training,
)
from evaluator.report.version_folder import VersionFolder

FOLDER: Final = "report"
HTML: Final = "report.html"
MARKDOWN: Final = "report.md"
PDF: Final = "report.pdf"


def write(models: Path, version: int, told: Callable[[str], None] = lambda phase: None) -> Path:
    """Write the report on a version in all forms; return its folder.

    An earlier report is replaced as a whole.

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
    with atomic_files.replace_folder(final) as made:
        told("draw")
        report = compose(VersionFolder(models, version), registry.current(), Pictures(made))
        told("write")
        (made / HTML).write_text(html.render(report, made), encoding="utf-8")
        (made / MARKDOWN).write_text(markdown.render(report), encoding="utf-8")
        pdf.render(report, made, made / PDF)
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
            closed_loop.section(folder, pictures),
            log_replay.section(folder, pictures),
            open_loop.section(folder, pictures),
            explanation.section(folder, pictures),
            data.section(folder, pictures),
            network.section(folder),
            training.section(folder, pictures),
            provenance.section(folder),
        ),
    )
