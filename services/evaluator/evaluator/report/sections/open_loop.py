"""The section on open-loop errors: steering on recorded frames, beside two baselines."""

from __future__ import annotations

from typing import Final

from evaluator.report import plots
from evaluator.report.assets import Assets
from evaluator.report.document import (
    Block,
    Figure,
    Paragraph,
    Section,
    Table,
    format_number,
    slug,
)
from evaluator.report.sections.log_replay import NOTHING_HELD_OUT
from evaluator.report.version_folder import JsonValue, VersionFolder

FILE: Final = "evaluations/openloop/openloop.json"
TITLE: Final = "Open loop"
DRIVERS: Final = (("model", ""), ("predict-zero", "_zero"), ("hold-last", "_hold"))
"""The compared drivers, and how the names of their metrics end."""


def section(folder: VersionFolder, assets: Assets) -> Section:
    """Return the section on the errors on recorded frames; draw them by bin of steering."""
    blocks: list[Block] = [
        Paragraph(
            "The model predicts the steering of each recorded frame by itself; the predictions do "
            "not move a car. Such errors say little about driving (Codevilla et al. 2018, arXiv "
            "1809.04843). Compared with the baselines, they show whether the model learned "
            "anything. Predict-zero always steers straight on; hold-last repeats the driver's "
            "steering of the frame before. Skill is 1 − MSE / min(MSE of predict-zero, MSE of "
            "hold-last). Above 0, the model is better than both baselines, which do not look at "
            "the frames."
        )
    ]
    metrics = folder.manifest["metrics"]
    if metrics.get("validation_mse") is not None:
        blocks.append(_validation_table(metrics))
    if metrics.get("validation_speed_rmse_mph") is not None:
        blocks.append(Paragraph(_describe_speed(metrics)))
    document = folder.read(FILE)
    if document is None:
        text = f"No recording was scored yet. `lapwing evaluate {folder.version}` does that."
        return Section("open-loop", TITLE, (*blocks, Paragraph(text, "missing")))
    datasets = [*document["datasets"]]
    if not datasets:
        blocks.append(Paragraph(NOTHING_HELD_OUT, "missing"))
    for dataset in datasets:
        blocks += _dataset_blocks(dataset, assets)
    return Section("open-loop", TITLE, tuple(blocks))


def skill(mse: float | None, *baselines: float | None) -> float | None:
    """Return 1 - MSE / the lowest MSE of the baselines; None where one of them has no error."""
    best = min((baseline for baseline in baselines if baseline is not None), default=0.0)
    return None if mse is None or best <= 0 else 1 - mse / best


def _validation_table(metrics: JsonValue) -> Table:
    def metric(name: str) -> float | None:
        return metrics.optional_number(f"validation_{name}")

    mse, zero, hold = metric("mse"), metric("mse_zero"), metric("mse_hold")
    row = (
        format_number(metric("rows"), ",.0f"),
        format_number(mse, ".5f"),
        format_number(zero, ".5f"),
        format_number(hold, ".5f"),
        format_number(skill(mse, zero, hold), "+.2f"),
        format_number(metric("mae_deg"), ".2f", "°"),
        format_number(metric("correlation"), ".3f"),
    )
    return Table(
        ("rows", "MSE", "predict-zero", "hold-last", "skill", "MAE", "correlation"),
        (row,),
        "These are the results on the validation rows of the training. The training chose its best "
        "epoch by them, so they are a little better than on new rows.",
        "manifest.json: metrics",
        words=0,
    )


def _describe_speed(metrics: JsonValue) -> str:
    rmse, mean, rows = (
        metrics.optional_number(f"validation_speed_{name}")
        for name in ("rmse_mph", "rmse_mean_mph", "rows")
    )
    return (
        f"The model also tells the speed that its driver was heading for, with an RMSE of "
        f"{format_number(rmse, '.2f', ' mph')} on {format_number(rows, ',.0f')} of the validation "
        f"rows. Always to tell its mean has an RMSE of {format_number(mean, '.2f', ' mph')}. Rows "
        "in which the car starts or stops do not count."
    )


def _dataset_blocks(dataset: JsonValue, assets: Assets) -> list[Block]:
    name, score = dataset["dataset"].text(), dataset["score"]

    def value(key: str, form: str, unit: str = "") -> str:
        return format_number(score.optional_number(key), form, unit)

    overlap = dataset.optional_text("leak", "not known")
    blocks: list[Block] = [
        Paragraph(
            f"`{name}` has {dataset['rows'].integer():,} scored rows. Overlap with the training "
            f"data: {overlap}."
        ),
        Table(
            ("driver", "MSE", "mean absolute error"),
            tuple(
                (driver, value(f"mse{ending}", ".5f"), value(f"mae{ending}_deg", ".2f", "°"))
                for driver, ending in DRIVERS
            ),
            f"On `{name}` the skill is {value('skill', '+.2f')} and the bias is "
            f"{value('bias_deg', '+.2f', '°')} (positive: to the right). The correlation with the "
            f"recorded steering is {value('correlation', '.3f')}, and with the smoothed one "
            f"{value('correlation_smoothed', '.3f')}. The gain on the smoothed steering is "
            f"{value('gain', '.2f')}; below 1, the model steers less than its driver.",
            FILE,
        ),
    ]
    bins = dataset.elements("by_bin")
    if bins:
        picture = assets.name(f"open-loop-{slug(name)}")
        plots.draw_bins(
            assets.path(picture),
            [(part["from"].number(), part["to"].number()) for part in bins],
            *([part[key].number() for part in bins] for key in ("rows", "mae_deg", "bias_deg")),
        )
        caption = (
            f"The errors on `{name}` by recorded steering, from left (−1) to right (+1). If the "
            "bias in the outer bins points towards 0, the model steers too little in bends."
        )
        blocks.append(Figure(picture, caption, FILE))
    cameras = dataset.elements("by_camera")
    if cameras:
        rows = [
            (
                camera["camera"].text(),
                format_number(camera.optional_number("mean"), "+.4f"),
                format_number(camera.optional_number("correction"), "+.4f"),
            )
            for camera in cameras
        ]
        caption = (
            f"The mean prediction on `{name}` for each camera. The correction is the difference "
            "from the centre camera: how the model steers a car that is so far to that side."
        )
        blocks.append(Table(("camera", "mean steering", "correction"), tuple(rows), caption, FILE))
    return blocks
