"""Composes the report on a version and publishes it in the version's folder.

<models>/versions/<n>/report/    report.html report.md report.pdf pictures/
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.files import atomic_files
from contract.models.registry import Registry
from evaluator.report.assets import Assets
from evaluator.report.document import Report
from evaluator.report.renderers import html, markdown, pdf
from evaluator.report.sections import (
    closed_loop,
    data,
    explanation,
    lineage,
    log_replay,
    network,
    open_loop,
    provenance,
    shadow,
    summary,
    training,
)
from evaluator.report.version_folder import VersionFolder

FOLDER: Final = "report"
HTML: Final = "report.html"
MARKDOWN: Final = "report.md"
PDF: Final = "report.pdf"


def write_report(
    models: Path, version: int, on_phase: Callable[[str], None] = lambda phase: None
) -> Path:
    """Write the report on a version in all formats; return its folder.

    An earlier report is replaced as a whole.

    Args:
        models: the model volume.
        version: version of the model.
        on_phase: called with the name of each phase of the work.

    Raises:
        ModelError: there is no such version, or one of its files is malformed.
    """
    registry = Registry(models)
    registry.manifest(version)
    final = registry.path(version) / FOLDER
    with atomic_files.replace_folder(final) as made:
        on_phase("draw")
        report = compose_report(VersionFolder(models, version), registry.current(), Assets(made))
        on_phase("write")
        (made / HTML).write_text(html.render(report, made), encoding="utf-8")
        (made / MARKDOWN).write_text(markdown.render(report), encoding="utf-8")
        pdf.render(report, made, made / PDF)
    return final


def compose_report(folder: VersionFolder, current: int | None, assets: Assets) -> Report:
    """Return the report on a version's folder, and draw its charts."""
    manifest = folder.manifest
    digest = manifest["files"]["model.h5"]["sha256"].text()
    descent, along = lineage.section(folder), shadow.section(folder, assets)
    return Report(
        f"Lapwing: model version {folder.version}",
        f"The version was published at {manifest['created_at'].text()}. The SHA-256 checksum of "
        f"its model.h5 is `{digest}`. Each table and figure names the file in the version's folder "
        "that it comes from.",
        (
            summary.section(folder, current),
            closed_loop.section(folder, assets),
            log_replay.section(folder, assets),
            *([] if along is None else [along]),
            open_loop.section(folder, assets),
            explanation.section(folder, assets),
            *([] if descent is None else [descent]),
            data.section(folder, assets),
            network.section(folder),
            training.section(folder, assets),
            provenance.section(folder),
        ),
    )
