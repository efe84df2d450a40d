"""The section on the training: its options, its curves and its speed."""

from __future__ import annotations

from typing import Any, Final

from contract.train_config import LAST, current_names
from evaluator.report import plots
from evaluator.report.assets import Assets
from evaluator.report.document import (
    MISSING,
    Block,
    Figure,
    Paragraph,
    Section,
    Table,
    format_number,
)
from evaluator.report.version_folder import JsonValue, VersionFolder

OPTION_NAMES: Final = {
    "epochs": "maximum number of epochs",
    "patience": "epochs without improvement before it stops",
    "batch": "samples per step",
    "learning_rate": "learning rate (Adam)",
    "learning_rate_schedule": "schedule of the learning rate",
    "averaging_epochs": "epochs over which the weights are averaged (0: not)",
    "publish_epoch": "epoch that is published",
    "simulator_share": "share of simulated samples, if there are simulated laps",
    "seed": "seed",
    "split": "split",
    "validation_share": "share of rows for validation",
    "validation_gap_s": "gap between training and validation, s",
    "cameras": "side cameras",
    "steering_correction": "steering correction of the side cameras, ±",
    "flip": "mirror images",
    "history": "earlier frames with a later steering",
    "label_smoothing_s": "time over which labels are averaged, s",
    "max_bin_ratio": "largest bin of steering, × the mean bin (0: no limit)",
    "brightness": "change of brightness and contrast, ±",
    "shadow": "share of samples with a shadow",
    "blur": "share of samples with blur",
    "shift_m": "shift of the view, ± m",
    "turn_deg": "turn of the view, ± degrees",
    "shuffle": "shuffle",
    "precision": "precision",
    "learn_speed": "speed learned, too",
}
"""The options of a training in words, in the order of the report."""


def section(folder: VersionFolder, assets: Assets) -> Section:
    """Return the section on the training; draw its curves."""
    manifest = folder.manifest
    epochs = [_read_epoch(entry) for entry in manifest["history"]]
    if not epochs:
        text = "The weights were imported, not trained here, so there are no curves."
        return Section("training", "Training", (Paragraph(text),))
    metrics = manifest["metrics"]
    best = metrics.optional_number("best_epoch")
    baselines = {
        "predict-zero": metrics.optional_number("validation_mse_zero"),
        "hold-last": metrics.optional_number("validation_mse_hold"),
    }
    curves, speed = assets.name("training"), assets.name("throughput")
    plots.draw_losses(
        assets.path(curves),
        [epoch["epoch"] for epoch in epochs],
        [epoch["loss"] for epoch in epochs],
        [epoch["validation_mse"] for epoch in epochs],
        {name: value for name, value in baselines.items() if value is not None},
        None if best is None else int(best),
    )
    plots.draw_throughput(
        assets.path(speed),
        [epoch["epoch"] for epoch in epochs],
        [epoch["samples_per_s"] for epoch in epochs],
        [100 * epoch["data_share"] for epoch in epochs],
    )
    blocks: list[Block] = [
        Paragraph(_describe(len(epochs), best, manifest, epochs)),
        Figure(
            curves,
            "The chart shows the training loss and the validation MSE after each epoch. It also "
            "shows the MSE of two baselines that do not look at the frames: predict-zero steers "
            "straight on, and hold-last repeats the driver's previous steering. The training loss "
            "can be higher than the validation MSE, because training uses side cameras, mirror "
            "images and dropout.",
            "manifest.json: history, metrics",
        ),
        _table(epochs, best, metrics.optional_number("train_samples")),
        Figure(
            speed,
            "The charts show the speed of each epoch, and the share of its time in which the "
            "network waited for data. The network is compiled in the first epoch.",
            "manifest.json: history",
        ),
        _options_table(manifest["config"]),
    ]
    return Section("training", "Training", tuple(blocks))


def _read_epoch(entry: JsonValue) -> dict[str, Any]:
    names = ("loss", "validation_mse", "samples_per_s", "data_share")
    return {"epoch": entry["epoch"].integer(), **{name: entry[name].number() for name in names}}


def _describe(
    count: int, best: float | None, manifest: JsonValue, epochs: list[dict[str, Any]]
) -> str:
    samples = manifest["metrics"].optional_number("train_samples")
    published = manifest["config"].get("publish_epoch")
    averaging_epochs = manifest["config"].optional_number("averaging_epochs")
    text = "One epoch was trained" if count == 1 else f"{count} epochs were trained"
    if best is not None:
        why = "which has the lowest validation MSE of those that count"
        if published is not None and published.text() == LAST:
            why = "the last one"
        text += f". The model has the weights of epoch {best:.0f}, {why}"
    if averaging_epochs:
        text += f", averaged over {averaging_epochs:g} epochs"
    if samples:
        seconds = sum(
            samples / epoch["samples_per_s"] for epoch in epochs if epoch["samples_per_s"]
        )
        text += f". All epochs took {_format_time(seconds)} for {count * samples:,.0f} samples"
    return f"{text}."


def _table(epochs: list[dict[str, Any]], best: float | None, samples: float | None) -> Table:
    rows = []
    for epoch in epochs:
        rate = epoch["samples_per_s"]
        rows.append(
            (
                f"{epoch['epoch']}{', best' if epoch['epoch'] == best else ''}",
                f"{epoch['loss']:.5f}",
                f"{epoch['validation_mse']:.5f}",
                f"{rate:,.0f}",
                format_number(samples / rate if samples and rate else None, ".0f", " s"),
                f"{100 * epoch['data_share']:.1f} %",
            )
        )
    return Table(
        ("epoch", "loss", "validation MSE", "samples/s", "time", "waiting for data"),
        tuple(rows),
        "The table has one row for each epoch. The time is the number of samples divided by the "
        "speed; it does not include the validation.",
        "manifest.json: history, metrics.train_samples",
    )


def _options_table(config: JsonValue) -> Table:
    # A version of release 0.1.0 has other names for some options.
    given = current_names({key: option.value for key, option in config.fields().items()})
    known = [(words, given.pop(key)) for key, words in OPTION_NAMES.items() if key in given]
    rows = [*known, *sorted(given.items())]
    return Table(
        ("option", "value"),
        tuple((name, _format_value(value)) for name, value in rows),
        "The training had these options.",
        "manifest.json: config",
    )


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else MISSING if value is None else str(value)


def _format_time(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} s"
