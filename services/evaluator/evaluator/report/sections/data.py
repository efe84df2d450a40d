"""What a version learnt from, and which rows of that validated it."""

from __future__ import annotations

from contract.dataset import split_file
from contract.dataset.split_file import DatasetSplit, Runs
from evaluator.report import plots
from evaluator.report.assets import Pictures
from evaluator.report.document import MISSING, Block, Figure, Paragraph, Section, Table
from evaluator.report.version_folder import Entry, VersionFolder


def section(folder: VersionFolder, pictures: Pictures) -> Section:
    """Return the section on the data; draws the split over time."""
    manifest = folder.manifest
    origin = manifest["config"].get("imported_from")
    if origin is not None:
        text = (
            f"This model was not trained here: it was imported from `{origin.text()}`. What it "
            "learnt from is not known, so no figure below can tell seen from unseen roads."
        )
        return Section("data", "Data and split", (Paragraph(text),))
    split = split_file.read(folder.root / split_file.FILE)
    sides = {} if split is None else dict(split.datasets)
    blocks: list[Block] = [Paragraph(_told(manifest["metrics"])), _table(manifest, sides)]
    if split is None:
        blocks.append(
            Paragraph(
                "Which rows are on which side is not told: a release before `split.json` made this "
                "version. `lapwing train` makes one that tells.",
                "missing",
            )
        )
    else:
        name = pictures.name("split")
        plots.split(
            pictures.path(name),
            {key: (each.rows, each.train, each.validation) for key, each in sides.items()},
        )
        caption = (
            "How the rows were parted, in the order of driving. Whole stretches of time validate, "
            f"and no row within {split.gap_s:g} s of them trains: neighbouring frames look alike, "
            "so a frame on either side would be remembered, not understood."
        )
        blocks.append(Figure(name, caption, split_file.FILE))
    for dataset, why in manifest["quarantined"].fields().items():
        text = f"Left out, because it was found damaged: `{dataset}`. {why.text()}"
        blocks.append(Paragraph(text, "warning"))
    return Section("data", "Data and split", tuple(blocks))


def _told(metrics: Entry) -> str:
    rows, samples = metrics.maybe("train_rows"), metrics.maybe("train_samples")
    validation = metrics.maybe("validation_rows")
    if rows is None or samples is None or validation is None:
        return "How many rows trained and validated is not told in the manifest."
    return (
        f"{rows:,.0f} rows train and {validation:,.0f} validate. A row is split off before it is "
        f"expanded: side cameras, mirror images and earlier frames make {samples:,.0f} samples of "
        "the rows that train, and none of them is seen in validation, which uses the centre "
        "camera's frames as they were recorded."
    )


def _table(manifest: Entry, sides: dict[str, DatasetSplit]) -> Table:
    rows = []
    for each in manifest["data"]:
        name = each["dataset"].text()
        counts = [MISSING, MISSING, MISSING]
        if name in sides:
            side = sides[name]
            train, validation = (_count(runs) for runs in (side.train, side.validation))
            counts = [f"{n:,}" for n in (train, validation, side.rows - train - validation)]
        digest = each["manifest_sha256"].text()[:12]
        rows.append((name, digest, f"{each['rows'].whole():,}", *counts))
    return Table(
        ("recording", "store's manifest", "rows", "train", "validate", "gap"),
        tuple(rows),
        "Recordings that the version was trained on. The digest is of the store's manifest, which "
        "has those of the pictures: it says what was learnt from to the last pixel.",
        f"manifest.json: data; {split_file.FILE}" if sides else "manifest.json: data",
        words=2,
    )


def _count(runs: Runs) -> int:
    return sum(end - first for first, end in runs)
