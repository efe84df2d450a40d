"""How near the steering is to the recorded one, frame by frame, beside its baselines."""

from __future__ import annotations

from typing import Final

from evaluator.report import plots
from evaluator.report.assets import Pictures
from evaluator.report.document import Block, Figure, Paragraph, Section, Table, number, slug
from evaluator.report.sections.log_replay import NONE_HELD
from evaluator.report.version_folder import Entry, VersionFolder

FILE: Final = "evaluations/openloop/openloop.json"
TITLE: Final = "Open loop"


def section(folder: VersionFolder, pictures: Pictures) -> Section:
    """Return the section on the errors on recorded frames; draws them by bin of steering."""
    blocks: list[Block] = [
        Paragraph(
            "Each frame by itself, whatever the answers would have led to. Such errors say little "
            "of driving (Codevilla et al. 2018, arXiv 1809.04843); beside their baselines they say "
            "whether anything was learnt. Skill is 1 − MSE / min(MSE of predict-zero, MSE of "
            "hold-last): above 0 the model knows more than a driver who looks at nothing."
        )
    ]
    metrics = folder.manifest["metrics"]
    if metrics.get("validation_mse") is not None:
        blocks.append(_validation(metrics))
    document = folder.read(FILE)
    if document is None:
        text = f"No recording was scored yet: `lapwing evaluate {folder.version}` does that."
        return Section("open-loop", TITLE, (*blocks, Paragraph(text, "missing")))
    datasets = [*document["datasets"]]
    if not datasets:
        blocks.append(Paragraph(NONE_HELD, "missing"))
    for each in datasets:
        blocks += _dataset(each, pictures)
    return Section("open-loop", TITLE, tuple(blocks))


def skill(mse: float | None, *baselines: float | None) -> float | None:
    """Return 1 - MSE / the lowest of the baselines' MSE; None where one of them has no error."""
    best = min((each for each in baselines if each is not None), default=0.0)
    return None if mse is None or best <= 0 else 1 - mse / best


def _validation(metrics: Entry) -> Table:
    def found(name: str) -> float | None:
        return metrics.maybe(f"validation_{name}")

    mse, zero, hold = found("mse"), found("mse_zero"), found("mse_hold")
    row = (
        number(found("rows"), ",.0f"),
        number(mse, ".5f"),
        number(zero, ".5f"),
        number(hold, ".5f"),
        number(skill(mse, zero, hold), "+.2f"),
        number(found("mae_deg"), ".2f", "°"),
        number(found("correlation"), ".3f"),
    )
    return Table(
        ("rows", "MSE", "predict-zero", "hold-last", "skill", "MAE", "correlation"),
        (row,),
        "On the rows that validated the training, which chose the best epoch by them: an estimate "
        "that is a little too good.",
        "manifest.json: metrics",
        words=0,
    )


def _dataset(entry: Entry, pictures: Pictures) -> list[Block]:
    name, score = entry["dataset"].text(), entry["score"]
    leak = entry.words("leak", "not made")
    blocks: list[Block] = [
        Paragraph(f"`{name}`, {entry['rows'].whole():,} rows. Leak check: {leak}."),
        Table(
            ("driver", "MSE", "mean absolute error"),
            tuple(
                (
                    label,
                    number(score.maybe(f"mse{key}"), ".5f"),
                    number(score.maybe(f"mae{key}_deg"), ".2f", "°"),
                )
                for label, key in (
                    ("the model", ""),
                    ("predict-zero", "_zero"),
                    ("hold-last", "_hold"),
                )
            ),
            f"`{name}`: skill {number(score.maybe('skill'), '+.2f')}, bias "
            f"{number(score.maybe('bias_deg'), '+.2f', '°')} (positive: to the right), correlation "
            f"with the recorded steering {number(score.maybe('correlation'), '.3f')}, with the "
            f"smoothed one {number(score.maybe('correlation_smoothed'), '.3f')}.",
            FILE,
        ),
    ]
    bins = entry.entries("by_bin")
    if bins:
        picture = pictures.name(f"open-loop-{slug(name)}")
        plots.bins(
            pictures.path(picture),
            [(each["from"].number(), each["to"].number()) for each in bins],
            *([each[key].number() for each in bins] for key in ("rows", "mae_deg", "bias_deg")),
        )
        caption = (
            f"`{name}` by recorded steering, left (−1) to right (+1). A bias towards 0 in the "
            "outer bins is a model that cuts its bends short."
        )
        blocks.append(Figure(picture, caption, FILE))
    cameras = entry.entries("by_camera")
    if cameras:
        rows = [
            (
                each["camera"].text(),
                number(each.maybe("mean"), "+.4f"),
                number(each.maybe("correction"), "+.4f"),
            )
            for each in cameras
        ]
        caption = (
            f"`{name}`: mean answer to each camera, and what it differs from the centre's: the "
            "correction that the model has learnt for a car that is so far to a side."
        )
        blocks.append(Table(("camera", "mean steering", "correction"), tuple(rows), caption, FILE))
    return blocks
