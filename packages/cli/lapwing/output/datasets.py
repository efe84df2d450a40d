"""What the command line prints about datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from contract import printing
from contract.dataset.exclusions import Exclusions, Lines
from contract.dataset.overviews import DatasetOverview
from contract.dataset.store_catalog import StoreManifest
from contract.printing import TextConsole

UNKNOWN: Final = "-"
MAX_RUNS: Final = 12
"""Number of runs of lines that are printed; `--json` has all."""
MAX_REASONS: Final = 3
"""Number of reasons for rejected rows that are printed."""


@dataclass(frozen=True)
class DatasetEntry:
    """A dataset, as the list shows it."""

    dataset: str
    """Its own name, which versions keep."""
    name: str
    """The name by which people select it: its label, or the name of its recording."""
    rows: int
    excluded: int | None
    """Number of rows that are excluded from use; None without an overview."""
    bytes: int
    imported_at: str
    versions: list[int]
    """Versions that were trained on it, of those that are kept."""
    overview: DatasetOverview | None
    """None as long as ingest has not made it."""
    unreadable: str
    """Why the dataset cannot be used; "" if it can."""


def print_datasets(console: TextConsole, entries: Sequence[DatasetEntry], missing: str) -> None:
    """Print the datasets as a table, and below it what is not known or cannot be read."""
    if not entries:
        console.print("No recording is imported yet. `lapwing ingest PATH` imports one.")
        return
    table = printing.wide_table(
        "name", "dataset", "rows", "min", "laps", "mean", "spread", "findings", "versions", "MB"
    )
    for column in table.columns[2:7]:
        column.justify = "right"
    for entry in entries:
        overview = entry.overview
        figures: list[str | Text] = [UNKNOWN] * 5
        if overview is not None:
            names = ", ".join(str(finding["name"]) for finding in overview.findings)
            figures = [
                f"{overview.minutes:.1f}",
                f"{overview.laps:.1f}",
                f"{overview.steering_mean:+.3f}",
                f"{overview.steering_std:.3f}",
                names or "none",
            ]
        rows = f"{entry.rows:,}"
        if entry.excluded:
            rows += f" - {entry.excluded:,}"
        if entry.unreadable:
            rows, figures[-1] = UNKNOWN, Text("cannot be read", "red")
        versions = ", ".join(map(str, entry.versions)) or UNKNOWN
        size = f"{entry.bytes / 1e6:.1f}"
        table.add_row(entry.name, entry.dataset, rows, *figures, versions, size)
    printing.print_unwrapped(console, table)
    if any(entry.excluded for entry in entries):
        printing.print_line(console, "rows: imported - excluded")
    for entry in entries:
        if entry.unreadable:
            printing.print_line(console, (f"{entry.dataset}:", "red"), f" {entry.unreadable}")
    if missing:
        printing.print_line(console, (missing, "yellow"))


def print_dataset(
    console: TextConsole,
    entry: DatasetEntry,
    manifest: StoreManifest,
    state: Exclusions,
    pictures: Mapping[str, str],
    copied: bool,
) -> None:
    """Print one dataset: its figures, findings and exclusions, and the paths of its pictures.

    Args:
        console: receives the table.
        entry: the dataset, with its overview.
        manifest: manifest of its store.
        state: what is excluded.
        pictures: paths of the pictures by their names.
        copied: tells that the pictures lie in a container.
    """
    overview = entry.overview
    table = printing.name_value_table()
    table.add_row("name", entry.name)
    table.add_row("dataset", f"{entry.dataset}, imported at {entry.imported_at}")
    table.add_row("recording", str(manifest.source["name"]))
    if overview is not None:
        excluded = f", of which {entry.excluded:,} are excluded" if entry.excluded else ""
        table.add_row("rows", f"{entry.rows:,} of {overview.cameras} cameras{excluded}")
        table.add_row("lines of the log", format_runs(overview.lines))
        table.add_row(
            "time",
            f"{overview.minutes:.1f} min; segments without a pause: {overview.segments}; pauses of "
            f"the recorder: {overview.pauses}",
        )
        table.add_row("laps", f"{overview.laps:.1f}, by the car model")
        table.add_row("mean speed", f"{overview.speed_mph:.1f} mph")
        table.add_row(
            "steering",
            f"mean {overview.steering_mean:+.4f}, spread {overview.steering_std:.4f}, "
            f"exactly 0 in {overview.steering_zero_share:.1%} of the rows",
        )
    table.add_row("size", f"{entry.bytes / 1e6:.1f} MB")
    table.add_row("versions", ", ".join(map(str, entry.versions)) or "none")
    _add_report(table, manifest.report)
    for finding in overview.findings if overview is not None else []:
        text = f"{finding['evidence']}. {finding['cure']}."
        table.add_row(printing.styled((str(finding["name"]), "yellow")), text)
    if overview is not None and not overview.findings:
        table.add_row("findings", "none")
    for lines, why in state.reasons:
        table.add_row("excluded", f"{format_runs(lines)}: {why}")
    if state.version:
        table.add_row("exclusions", f"version {state.version}, digest {state.digest[:12] or '-'}")
    for name, path in pictures.items():
        table.add_row(name.replace("_", " "), path)
        if copied:
            table.add_row("command to fetch it", f"docker compose cp ingest:{path} .")
    console.print(table)


def format_runs(runs: Lines) -> str:
    """Return runs of lines as text, such as "120-180, 200 and 7 more runs"."""
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in runs]
    more = f" and {len(texts) - MAX_RUNS} more runs" if len(texts) > MAX_RUNS else ""
    return ", ".join(texts[:MAX_RUNS]) + more


def _add_report(table: Table, report: Mapping[str, Any]) -> None:
    """Add what the import rejected, and its notes."""
    reasons = list(report.get("reasons", {}).items())
    if reasons:
        listed = ", ".join(f"{count} times {reason}" for reason, count in reasons[:MAX_REASONS])
        table.add_row("rejected rows", f"{report['rejected']:,}: {listed}")
    for note in report.get("notes", []):
        table.add_row("note", str(note))
