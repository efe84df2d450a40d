"""What the commands print about jobs and their results."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from contract import printing
from contract.dataset import unfit_rows
from contract.jobs.queue import JobView
from contract.printing import TextConsole
from contract.recordings import reject_reasons
from lapwing.output.progress import describe_error, describe_progress

STATUS_COLORS: Final = {"finished": "green", "failed": "red", "started": "cyan"}


def print_queued(views: Sequence[JobView], as_json: bool) -> None:
    """Print which jobs were queued."""
    if as_json:
        printing.print_json([dataclasses.asdict(view) for view in views])
        return
    for view in views:
        printing.message_console().print(
            f"queued {view.id}: `lapwing jobs` shows it", soft_wrap=True
        )


def print_jobs(console: TextConsole, views: Sequence[JobView]) -> None:
    """Print the jobs, newest first, and below them why some of them failed."""
    if not views:
        console.print("There are no jobs. `lapwing ingest PATH` queues one.")
        return
    table = printing.wide_table("job", "status", "queued at", "progress")
    for view in views:
        color = STATUS_COLORS.get(view.status, "yellow")
        state = describe_progress(view) if view.status == "started" else ""
        table.add_row(view.id, Text(view.status, color), view.created_at, state)
    printing.print_unwrapped(console, table)
    for view in views:
        if view.error:
            console.print()
            printing.print_line(console, (f"{view.id}:", "red"), f" {describe_error(view)}")


def print_result(console: TextConsole, result: dict[str, Any]) -> None:
    """Print the result of an import, of a model's import or of a training."""
    if "imports" in result:
        print_imports(console, result["imports"])
    elif "imported" in result:
        print_imported_model(console, result["imported"])
    else:
        print_training(console, result)


def print_imports(console: TextConsole, results: Sequence[dict[str, Any]]) -> None:
    """Print what an import job did with each recording, why rows were rejected, and its notes."""
    table = printing.wide_table("dataset", "rows", "rejected", "frames", "MB", "rows/s", "")
    for result in results:
        table.add_row(
            result["dataset"],
            f"{result['rows']:,}",
            f"{result['rejected']:,}",
            f"{result['frames']:,}",
            f"{result['file_bytes'] / 1e6:.0f}",
            "" if result["skipped"] else f"{result['rows_per_s']:,.0f}",
            "skipped: it was imported before" if result["skipped"] else "",
        )
    if results:
        printing.print_unwrapped(console, table)
    for result in results:
        lines = [f"rejected: {reason}" for reason in reject_reasons.describe(result["report"])]
        for line in [*lines, *(f"note: {note}" for note in result["report"]["notes"])]:
            printing.print_line(console, f"  {result['dataset']}: {line}")


def print_imported_model(console: TextConsole, result: dict[str, Any]) -> None:
    """Print what became of an imported model file."""
    metrics = result["metrics"]
    table = printing.name_value_table()
    table.add_row("model version", str(result["version"]))
    table.add_row("imported from", f"{result['imported_from']}, Keras {result['keras'] or '?'}")
    table.add_row("sha256 of that file", result["source_sha256"])
    if result.get("weights_sha256"):
        table.add_row("sha256 of its weights", result["weights_sha256"])
    if "frame" in result:  # results of 0.1.0 have none
        table.add_row("what the network is given", result["frame"])
    if result["normalized"]:
        table.add_row("scaling of the pixels", result["normalized"])
    table.add_row("layers", ", ".join(result["layers"]))
    table.add_row(
        "largest difference, Keras / LiteRT from NumPy",
        f"{metrics['forward_difference']:.1e} / {metrics['twin_difference']:.1e}",
    )
    table.add_row(
        "range of its steering",
        f"{metrics['steering_min']:+.3f} to {metrics['steering_max']:+.3f}",
    )
    for note in result["notes"]:
        table.add_row(Text("note", "yellow"), note)
    _add_digests(table, result["sha256"])
    console.print(table)


def print_report(console: TextConsole, result: dict[str, Any]) -> None:
    """Print where the files of a report are."""
    for name, label in (("html", "HTML"), ("markdown", "Markdown"), ("pdf", "PDF")):
        printing.print_line(console, f"{label:8}  {result[name]}")


def print_training(console: TextConsole, result: dict[str, Any]) -> None:
    """Print what a training job published."""
    metrics = result["metrics"]
    table = printing.name_value_table()
    table.add_row("model version", str(result["version"]))
    table.add_row("training samples", f"{metrics['train_samples']:,.0f}")
    table.add_row("epochs", f"{metrics['epochs']:.0f}, best {metrics['best_epoch']:.0f}")
    table.add_row("MSE of the model, training / validation", format_model_mse(metrics))
    table.add_row("MSE of predict-zero / hold-last", format_baseline_mse(metrics))
    table.add_row("correlation with the driver", format_correlation(metrics))
    if "validation_speed_rmse_mph" in metrics:
        table.add_row("RMSE of the speed, model / always its mean", format_speed_rmse(metrics))
    table.add_row("time", str(result["verdict"]))
    for dataset, reason in result["quarantined"].items():
        table.add_row(printing.styled(("left out", "red"), f": {dataset}"), reason)
    for dataset, counts in result.get("unfit", {}).items():  # jobs of 0.1.0 have none
        table.add_row(f"left out as unfit: {dataset}", unfit_rows.describe(counts))
    _add_digests(table, result["sha256"])
    console.print(table)


def format_model_mse(metrics: dict[str, float]) -> str:
    """Return the model's MSE on the training rows and on the validation rows, as text."""
    return f"{metrics['train_mse']:.4f} / {metrics['validation_mse']:.4f}"


def format_baseline_mse(metrics: dict[str, float]) -> str:
    """Return, as text, the MSE of two drivers that do not look at the road."""
    return f"{metrics['validation_mse_zero']:.4f} / {metrics['validation_mse_hold']:.4f}"


def format_correlation(metrics: dict[str, Any]) -> str:
    """Return the correlation of model and driver as text; "–" if it is undefined."""
    value = metrics.get("validation_correlation")
    return "–" if value is None else f"{value:.3f}"


def format_speed_rmse(metrics: dict[str, float]) -> str:
    """Return, as text, how well the speed was learned, beside a driver who holds its mean."""
    rmse_mph, mean_mph = (metrics[f"validation_speed_{name}_mph"] for name in ("rmse", "rmse_mean"))
    return f"{rmse_mph:.2f} / {mean_mph:.2f} mph"


def _add_digests(table: Table, digests: dict[str, str]) -> None:
    for name, digest in digests.items():
        table.add_row(f"sha256 of {name}", digest)
