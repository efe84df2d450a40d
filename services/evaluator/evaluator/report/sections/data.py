"""The section on the training data, and on the rows that were used for validation."""

from __future__ import annotations

from typing import Final

from contract.dataset import split_file, unfit_rows
from contract.dataset.split_file import DatasetSplit, Runs
from evaluator.report import plots
from evaluator.report.assets import Assets
from evaluator.report.document import MISSING, Block, Figure, Paragraph, Section, Table
from evaluator.report.version_folder import JsonValue, VersionFolder

TITLE: Final = "Data and split"


def section(folder: VersionFolder, assets: Assets) -> Section:
    """Return the section on the data; draw the split over time."""
    manifest = folder.manifest
    origin = manifest["config"].get("imported_from")
    if origin is not None:
        text = (
            f"This model was not trained here: it was imported from `{origin.text()}`. Its "
            "training data are not known, so no result below can be limited to unseen rows."
        )
        return Section("data", TITLE, (Paragraph(text),))
    split = split_file.read(folder.root / split_file.FILE)
    splits = {} if split is None else dict(split.datasets)
    blocks: list[Block] = [
        Paragraph(_describe_rows(manifest["metrics"])),
        _table(manifest, splits),
    ]
    if manifest.elements("lineage"):
        blocks.insert(
            1,
            Paragraph(
                "These are the rows of this training alone. The table and the chart below count as "
                "training rows those that trained the versions before it as well, because its "
                "weights learned from all of them."
            ),
        )
    if split is None:
        blocks.append(
            Paragraph(
                "It is not known which rows were used for training and which for validation: a "
                "release before `split.json` made this version. `lapwing train` makes versions "
                "with this file.",
                "missing",
            )
        )
    else:
        name = assets.name("split")
        plots.draw_split(
            assets.path(name),
            {dataset: (rows.rows, rows.train, rows.validation) for dataset, rows in splits.items()},
        )
        caption = (
            "The rows of training and validation, in the order of driving. Whole segments of time "
            f"are used for validation, and no row within {split.gap_s:g} s of them is used for "
            "training. Neighbouring frames look alike, so the model could memorize a validation "
            "frame from its neighbour."
        )
        blocks.append(Figure(name, caption, split_file.FILE))
    for entry in manifest.elements("data"):
        unfit = entry.get("unfit")
        if unfit is not None:
            counts = {reason: count.integer() for reason, count in unfit.fields().items()}
            text = (
                f"Of `{entry['dataset'].text()}`, {unfit_rows.describe(counts)} were left out, "
                "because they are unfit to learn from."
            )
            blocks.append(Paragraph(text))
    for dataset, reason in manifest["quarantined"].fields().items():
        text = f"The recording `{dataset}` was left out, because it is damaged: {reason.text()}"
        blocks.append(Paragraph(text, "warning"))
    return Section("data", TITLE, tuple(blocks))


def _describe_rows(metrics: JsonValue) -> str:
    rows, samples = metrics.optional_number("train_rows"), metrics.optional_number("train_samples")
    validation = metrics.optional_number("validation_rows")
    if rows is None or samples is None or validation is None:
        return "The manifest does not say how many rows were used for training and validation."
    return (
        f"{rows:,.0f} rows were used for training and {validation:,.0f} for validation. The rows "
        "were split first. Then side cameras, mirror images and earlier frames made samples of the "
        f"training rows; an epoch has {samples:,.0f} samples. None of these samples is used in "
        "validation, which uses the frames of the centre camera as they were recorded."
    )


def _table(manifest: JsonValue, splits: dict[str, DatasetSplit]) -> Table:
    rows = []
    for dataset in manifest["data"]:
        name = dataset["dataset"].text()
        ancestor = dataset.get("version")
        label = name if ancestor is None else f"{name} (version {ancestor.integer()})"
        counts = [MISSING, MISSING, MISSING]
        if name in splits:
            split = splits[name]
            train, validation = (_count(runs) for runs in (split.train, split.validation))
            gap = split.rows - train - validation
            counts = [f"{count:,}" for count in (train, validation, gap)]
        checksum = dataset["manifest_sha256"].text()[:12]
        rows.append((label, checksum, f"{dataset['rows'].integer():,}", *counts))
    return Table(
        ("recording", "store's manifest", "rows", "training", "validation", "gap"),
        tuple(rows),
        "The version was trained on these recordings. The checksum is that of the store's "
        "manifest, which holds the checksums of the images, so it identifies the training data "
        "exactly.",
        f"manifest.json: data; {split_file.FILE}" if splits else "manifest.json: data",
        words=2,
    )


def _count(runs: Runs) -> int:
    return sum(end - first for first, end in runs)
