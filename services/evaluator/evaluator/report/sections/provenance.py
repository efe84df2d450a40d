"""Where everything comes from: files and their digests, packages, decisions."""

from __future__ import annotations

from evaluator.report.document import Block, Paragraph, Section, Table
from evaluator.report.version_folder import VersionFolder


def section(folder: VersionFolder) -> Section:
    """Return the section on the version's provenance."""
    manifest = folder.manifest
    files = [
        (name, f"{entry['bytes'].whole():,}", entry["sha256"].text())
        for name, entry in manifest["files"].fields().items()
    ]
    blocks: list[Block] = [
        Paragraph(
            f"Published at {manifest['created_at'].text()} by the job `{manifest['job_id'].text()}`"
            f" with seed {manifest['seed'].whole()}. The files below are never changed again; "
            "whoever loads the version compares their digests first."
        ),
        Table(
            ("file", "bytes", "sha256"),
            tuple(files),
            "The version's own files. Every other file that this report names was made later, and "
            "lies in the version's folder too.",
            "manifest.json: files",
            words=3,
            wide=(2,),
        ),
        Table(
            ("package", "release"),
            tuple((name, each.text()) for name, each in manifest["packages"].fields().items()),
            "What computed the model.",
            "manifest.json: packages",
        ),
    ]
    decisions = folder.decisions()
    if decisions:
        blocks.append(
            Table(
                ("at", "decided by", "", "why"),
                tuple(
                    (each.at, each.by, "became current" if each.accepted else "refused", each.why)
                    for each in decisions
                ),
                "Decisions on whether this version may drive, oldest first.",
                "journal.json, beside the versions",
                words=4,
                wide=(3,),
            )
        )
    return Section("provenance", "Provenance", tuple(blocks))
