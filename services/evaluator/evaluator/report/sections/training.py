"""How a version was trained: its choices, its curves, and where the time went."""

from __future__ import annotations

from typing import Any

from contract.train_config import current_names
from evaluator.report import plots
from evaluator.report.assets import Pictures
from evaluator.report.document import MISSING, Block, Figure, Paragraph, Section, Table, number
from evaluator.report.version_folder import Entry, VersionFolder

CHOICES = {
    "epochs": "epochs at most", "patience": "epochs without improvement before it stops",
    "batch": "samples a step", "learning_rate": "learning rate (Adam)", "seed": "seed",
    "split": "split", "validation_share": "share that validates",
    "validation_gap_s": "gap between, s",
    "cameras": "side cameras", "steering_correction": "steering of the side cameras, ±",
    "flip": "mirror images", "history": "earlier frames with a later steering",
    "label_smoothing_s": "labels averaged over, s",
    "max_bin_ratio": "rebalanced to × the mean bin, 0: not",
    "brightness": "brightness and contrast varied, ±", "shadow": "share with a shadow",
    "blur": "share blurred", "shift_m": "view moved, ± m", "turn_deg": "view turned, ± degrees",
    "shuffle": "shuffle",
}  # fmt: skip
"""The choices of a training in words, in an order to read."""


def section(folder: VersionFolder, pictures: Pictures) -> Section:
    """Return the section on the training; draws its curves."""
    manifest = folder.manifest
    epochs = [_epoch(each) for each in manifest["history"]]
    if not epochs:
        text = "Nothing was trained here, so there is no curve: the weights were imported."
        return Section("training", "Training", (Paragraph(text),))
    metrics = manifest["metrics"]
    best = metrics.maybe("best_epoch")
    baselines = {
        "predict-zero": metrics.maybe("validation_mse_zero"),
        "hold-last": metrics.maybe("validation_mse_hold"),
    }
    curves, speed = pictures.name("training"), pictures.name("throughput")
    plots.losses(
        pictures.path(curves),
        [each["epoch"] for each in epochs],
        [each["loss"] for each in epochs],
        [each["validation_mse"] for each in epochs],
        {name: value for name, value in baselines.items() if value is not None},
        None if best is None else int(best),
    )
    plots.throughput(
        pictures.path(speed),
        [each["epoch"] for each in epochs],
        [each["samples_per_s"] for each in epochs],
        [100 * each["data_share"] for each in epochs],
    )
    blocks: list[Block] = [
        Paragraph(_told(len(epochs), best, metrics, epochs)),
        Figure(
            curves,
            "Loss of training and MSE of validation after each epoch, and the MSE of two drivers "
            "that look at nothing: predict-zero steers straight on, hold-last repeats the driver's "
            "previous steering. Training sees side cameras, mirror images and dropout, so its loss "
            "may lie above validation; the two are not of the same samples.",
            "manifest.json: history, metrics",
        ),
        _table(epochs, best, metrics.maybe("train_samples")),
        Figure(
            speed,
            "Speed of each epoch, and the share of its time in which the network waited for data. "
            "The first epoch compiles the network.",
            "manifest.json: history",
        ),
        _choices(manifest["config"]),
    ]
    return Section("training", "Training", tuple(blocks))


def _epoch(entry: Entry) -> dict[str, Any]:
    names = ("loss", "validation_mse", "samples_per_s", "data_share")
    return {"epoch": entry["epoch"].whole(), **{name: entry[name].number() for name in names}}


def _told(count: int, best: float | None, metrics: Entry, epochs: list[dict[str, Any]]) -> str:
    samples = metrics.maybe("train_samples")
    told = "One epoch was trained" if count == 1 else f"{count} epochs were trained"
    if best is not None:
        told += f", and the weights of epoch {best:.0f} are the model's: the lowest validation MSE"
    if samples:
        seconds = sum(samples / each["samples_per_s"] for each in epochs if each["samples_per_s"])
        told += f". They took {_time(seconds)} for {count * samples:,.0f} samples"
    return f"{told}."


def _table(epochs: list[dict[str, Any]], best: float | None, samples: float | None) -> Table:
    rows = []
    for each in epochs:
        rate = each["samples_per_s"]
        rows.append(
            (
                f"{each['epoch']}{', best' if each['epoch'] == best else ''}",
                f"{each['loss']:.5f}",
                f"{each['validation_mse']:.5f}",
                f"{rate:,.0f}",
                number(samples / rate if samples and rate else None, ".0f", " s"),
                f"{100 * each['data_share']:.1f} %",
            )
        )
    return Table(
        ("epoch", "loss", "validation MSE", "samples/s", "time", "waiting for data"),
        tuple(rows),
        "Epoch by epoch. Times are samples by samples a second; validation is not in them.",
        "manifest.json: history, metrics.train_samples",
    )


def _choices(config: Entry) -> Table:
    # A version of release 0.1.0 has other names for some options.
    given = current_names({key: each.value for key, each in config.fields().items()})
    known = [(words, given.pop(key)) for key, words in CHOICES.items() if key in given]
    rows = [*known, *sorted(given.items())]
    return Table(
        ("choice", "value"),
        tuple((name, _written(value)) for name, value in rows),
        "What the training was asked for.",
        "manifest.json: config",
    )


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else MISSING if value is None else str(value)


def _time(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} s"
