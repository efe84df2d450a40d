"""The section on the origin of a version: files and checksums, packages, decisions."""

from __future__ import annotations

from evaluator.report.document import Block, Paragraph, Section, Table
from evaluator.report.version_folder import VersionFolder


def section(folder: VersionFolder) -> Section:
    """Return the section on the version's provenance."""
    manifest = folder.manifest
    files = [
        (name, f"{entry['bytes'].integer():,}", entry["sha256"].text())
        for name, entry in manifest["files"].fields().items()
    ]
    blocks: list[Block] = [
        Paragraph(
            f"The job `{manifest['job_id'].text()}` published the version at "
            f"{manifest['created_at'].text()} with seed {manifest['seed'].integer()}. The files "
            "below never change. A program that loads the version compares their checksums first."
        ),
        Table(
            ("file", "bytes", "SHA-256"),
            tuple(files),
            "These are the version's own files. All other files that this report names were made "
            "later; they are in the version's folder too.",
            "manifest.json: files",
            words=3,
            wide=(2,),
        ),
        Table(
            ("package", "release"),
            tuple(
                (name, release.text()) for name, release in manifest["packages"].fields().items()
            ),
            "The model was computed with these packages.",
            "manifest.json: packages",
        ),
    ]
    decisions = folder.decisions()
    if decisions:
        blocks.append(
            Table(
                ("time", "decided by", "result", "reason"),
                tuple(
                    (
                        decision.at,
                        decision.by,
                        "became current" if decision.accepted else "refused",
                        decision.why,
                    )
                    for decision in decisions
                ),
                "These decisions say whether the version may drive; the oldest is first.",
                "journal.json, beside the versions",
                words=4,
                wide=(3,),
            )
        )
    return Section("provenance", "Provenance", tuple(blocks))
