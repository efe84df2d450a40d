"""What the command line prints: tables for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from contract.jobs.queue import JobView
from lapwing.jobs.follow import describe

WIDEST: Final = 400


def console(as_json: bool = False) -> Console:
    """Return where people are told things: not where a JSON document goes."""
    return Console(stderr=as_json)


def document(value: object) -> None:
    """Print one JSON document to standard output, uncoloured and unwrapped."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()  # `lapwing up --json` goes on running


def lines(*heads: str) -> Table:
    """Return a table for `unbroken`."""
    table = Table(box=None)
    for head in heads:
        table.add_column(head, no_wrap=True)
    return table


def unbroken(to: Console, table: Table) -> None:
    """Print a table whose lines are as long as they are: a narrow terminal breaks them itself."""
    wide = Console(file=to.file, width=WIDEST, force_terminal=to.is_terminal)
    wide.width = Measurement.get(wide, wide.options, table).maximum
    wide.print(table)


def queued(views: Sequence[JobView], as_json: bool) -> None:
    """Say which jobs wait now, and how to look at them."""
    if as_json:
        document([dataclasses.asdict(each) for each in views])
        return
    for each in views:
        console().print(f"queued {each.id}: `lapwing jobs` shows it", highlight=False)


def jobs(to: Console, views: Sequence[JobView]) -> None:
    """Show the jobs, newest first."""
    table = Table("job", "status", "queued at", "progress or error", box=None)
    colors = {"finished": "green", "failed": "red", "started": "cyan"}
    for view in views:
        color = colors.get(view.status, "yellow")
        said = view.error or (describe(view) if view.status == "started" else "")
        table.add_row(view.id, f"[{color}]{view.status}[/]", view.created_at, said)
    to.print(table if views else "No jobs. `lapwing ingest PATH` queues one.")


def imports(to: Console, results: Sequence[dict[str, Any]]) -> None:
    """Show what an ingest job did with each recording."""
    table = Table("dataset", "rows", "rejected", "frames", "MB", "rows/s", "", box=None)
    for each in results:
        table.add_row(
            each["dataset"],
            f"{each['rows']:,}",
            f"{each['rejected']:,}",
            f"{each['frames']:,}",
            f"{each['file_bytes'] / 1e6:.0f}",
            "" if each["skipped"] else f"{each['rows_per_s']:,.0f}",
            "already imported: nothing to do" if each["skipped"] else "",
        )
    to.print(table)


def imported(to: Console, result: dict[str, Any]) -> None:
    """Show what became of a model file."""
    metrics = result["metrics"]
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("model version", str(result["version"]))
    table.add_row("imported from", f"{result['imported_from']}, Keras {result['keras'] or '?'}")
    table.add_row("its sha256", result["source_sha256"])
    if result["normalized"]:
        table.add_row("pixels are scaled", result["normalized"])
    table.add_row("layers", ", ".join(result["layers"]))
    table.add_row(
        "differs at most, Keras / LiteRT from NumPy",
        f"{metrics['forward_difference']:.1e} / {metrics['twin_difference']:.1e}",
    )
    table.add_row("steers", f"{metrics['steering_min']:+.3f} to {metrics['steering_max']:+.3f}")
    for note in result["notes"]:
        table.add_row("[yellow]note[/]", note)
    for name, digest in result["sha256"].items():
        table.add_row(f"sha256 of {name}", digest)
    to.print(table)


def report(to: Console, result: dict[str, Any]) -> None:
    """Show where a report is."""
    for name, label in (("html", "HTML"), ("markdown", "Markdown"), ("pdf", "PDF")):
        to.print(f"{label:8}  {result[name]}", highlight=False, soft_wrap=True)


def training(to: Console, result: dict[str, Any]) -> None:
    """Show what a training job published."""
    metrics = result["metrics"]
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("model version", str(result["version"]))
    table.add_row("samples", f"{metrics['train_samples']:,.0f}")
    table.add_row("epochs", f"{metrics['epochs']:.0f}, best {metrics['best_epoch']:.0f}")
    table.add_row("MSE of the model, train / validation", mse(metrics))
    table.add_row("MSE of predict-zero / hold-last", baselines(metrics))
    table.add_row("correlation with the driver", correlation(metrics))
    table.add_row("time", str(result["verdict"]))
    for dataset, why in result["quarantined"].items():
        table.add_row(f"[red]left out[/]: {dataset}", why)
    for name, digest in result["sha256"].items():
        table.add_row(f"sha256 of {name}", digest)
    to.print(table)


def correlation(metrics: dict[str, float]) -> str:
    """Return the validation correlation, or a dash where it is undefined."""
    value = metrics.get("validation_correlation")
    return "–" if value is None else f"{value:.3f}"


def mse(metrics: dict[str, float]) -> str:
    """Say the training and the validation MSE."""
    return f"{metrics['train_mse']:.4f} / {metrics['validation_mse']:.4f}"


def baselines(metrics: dict[str, float]) -> str:
    """Say what two drivers that look at nothing score on the same rows."""
    return f"{metrics['validation_mse_zero']:.4f} / {metrics['validation_mse_hold']:.4f}"
