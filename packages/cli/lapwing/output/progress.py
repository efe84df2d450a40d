"""Describes in a few words how far a job is, and why it failed."""

from __future__ import annotations

import re
from typing import Any, Final

from contract.jobs.queue import JobView

DRIVING_PHASES: Final = ("drive", "replay")
DETAILED_PHASES: Final = ("decode", "train", "collect", "record")
"""Phases that report figures. In later phases these figures are out of date."""
MIN_DATA_WAIT_PERCENT: Final = 2
"""A smaller share of the time, spent waiting for data, is not worth a word."""

MOST_NODES: Final = 4
"""Number of nodes of a cluster up to which they are named; `lapwing jobs --json` names all."""


def fraction_done(progress: dict[str, Any]) -> float | None:
    """Return which part of a job is done, 0..1; None if its progress does not say."""
    if progress.get("steps") and progress.get("epochs"):
        epochs = progress["epoch"] - 1 + progress["step"] / progress["steps"]
        return float(epochs / progress["epochs"])
    if progress.get("drives_total"):
        return float(progress.get("drives", 0) / progress["drives_total"])
    if progress.get("seconds_total"):
        return float(progress["seconds"] / progress["seconds_total"])
    if progress.get("rows_total"):
        return float(progress.get("rows_done", 0) / progress["rows_total"])
    return None


def describe_progress(job: JobView) -> str:
    """Describe in a few words what a job does now."""
    progress = job.progress
    if job.status != "started":
        return job.status
    phase = str(progress.get("phase", "starting"))
    if phase in DRIVING_PHASES:
        version, drives = progress.get("version", "?"), progress.get("drives", 0)
        words = f"{phase} · version {version} · {drives} of {progress.get('drives_total', '?')}"
        return words + (_describe_nodes(progress.get("nodes", {})) if phase == "drive" else "")
    if phase not in DETAILED_PHASES:
        return phase
    parts = [phase]
    if "epoch" in progress:
        parts.append(f"epoch {progress['epoch']}/{progress['epochs']}")
    if "loss" in progress:
        parts.append(f"loss {progress['loss']:.4f}")
    if "validation_mse" in progress:
        parts.append(f"val {progress['validation_mse']:.4f}")
    for name, unit in (("samples_per_s", "samples/s"), ("rows_per_s", "rows/s")):
        if name in progress:
            parts.append(f"{progress[name]:.0f} {unit}")
    if progress.get("data_wait_percent", 0) >= MIN_DATA_WAIT_PERCENT:
        parts.append(f"{progress['data_wait_percent']:.0f} % waiting for data")
    if progress.get("eta_s") is not None:
        parts.append(f"≤ {progress['eta_s']:.0f} s left")
    words = " · ".join(parts)
    return words + (_describe_nodes(progress.get("nodes", {})) if phase == "collect" else "")


def _describe_nodes(nodes: dict[str, int]) -> str:
    """Say which nodes of a cluster made drives, and how many; "" for none."""
    if not nodes:
        return ""
    if len(nodes) > MOST_NODES:
        return f" · on {len(nodes)} nodes"
    return " · on " + ", ".join(f"{name} ({drives})" for name, drives in sorted(nodes.items()))


def describe_error(job: JobView) -> str:
    """Return the message of a failed job without the name of a Lapwing error's class."""
    return re.sub(r"^contract\.errors\.\w+: ", "", job.error)
