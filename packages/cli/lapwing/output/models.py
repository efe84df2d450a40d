"""What the command line prints about model versions, their evaluations and the gate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from contract import printing
from contract.errors import ModelError
from contract.models import lineage, notes
from contract.models.journal import Decision
from contract.models.notes import VersionNote
from contract.models.registry import ModelManifest, Registry
from contract.policy.answer import output_count
from contract.printing import TextConsole

UNKNOWN: Final = "-"
REPLAY_LIMIT_M: Final = 3
"""The table of versions shows replays in which the car was put back at this offset."""


def print_models(console: TextConsole, registry: Registry) -> None:
    """Print the versions with their scores and origin, and why the current one is current."""
    manifests = [registry.manifest(version) for version in registry.versions()]
    current, decisions = registry.current(), registry.decisions()
    if not manifests:
        console.print("No model is published yet. `lapwing train` makes one.")
        return
    said = notes.read(registry.root)
    headings = ["", "MSE", "zero", "hold", "drives", "replay 3 m", "gate", "from"]
    table = printing.wide_table(*headings, *(["note"] if said else []))
    for manifest in manifests:
        version = manifest.version
        scores = read_scores(registry.path(version))
        errors = [
            manifest.metrics.get(f"validation_{name}") for name in ("mse", "mse_zero", "mse_hold")
        ]
        table.add_row(
            Text(f"{version} current", "green") if version == current else str(version),
            *(UNKNOWN if error is None else f"{error:.4f}" for error in errors),
            scores["drives"],
            scores["replay"],
            _describe_standing(version, current, decisions),
            describe_origin(manifest),
            *([describe_note(said.get(version, VersionNote()))] if said else []),
        )
    printing.print_unwrapped(console, table)
    accepted = [
        decision for decision in decisions if decision.version == current and decision.accepted
    ]
    if accepted:
        last = accepted[-1]
        console.print(
            f"version {current} is current since {last.at} ({last.by}): {last.why}",
            soft_wrap=True,
        )


def read_scores(version: Path) -> dict[str, str]:
    """Return how well a version drives by its last evaluation: in the simulator and in replays.

    Args:
        version: the folder of the version.

    Raises:
        ModelError: a file of the evaluation cannot be read.
    """
    scores = {"drives": UNKNOWN, "replay": UNKNOWN}
    evaluations = [_read(path) for path in version.glob("evaluations/[!.]*/evaluation.json")]
    if evaluations:
        latest = max(evaluations, key=lambda evaluation: str(evaluation["made_at"]))
        autonomy = latest["conditions"][0]["measures"]["autonomy_percent"]
        scores["drives"] = f"{_format_interval(autonomy)} {latest['track']}"
    path = version / "evaluations" / "replay" / "replay.json"
    if path.is_file():
        shares = [
            drive["autonomy_percent"]
            for dataset in _read(path)["datasets"]
            for drive in dataset["drives"]
            if drive["limit_m"] == REPLAY_LIMIT_M
        ]
        if shares:
            scores["replay"] = f"{sum(shares) / len(shares):.0f} % of {len(shares)}"
    return scores


def describe_origin(manifest: ModelManifest) -> str:
    """Return what a version was trained on, and from which version, or which file it came from.

    It is told where a version has learned the speed, too.
    """
    if "imported_from" in manifest.config:
        return f"imported from {manifest.config['imported_from']}"
    datasets = ", ".join(str(entry["dataset"]) for entry in lineage.own_data(manifest))
    if output_count(manifest.config) == 2:
        datasets += " (speed too)"
    ancestors = lineage.ancestors(manifest)
    return f"version {ancestors[0].version}, then {datasets}" if ancestors else datasets


def describe_note(note: VersionNote) -> Text:
    """Return the note of a version, and whether it is pinned."""
    if not note.pinned:
        return printing.styled(note.note)
    return printing.styled(("pinned", "yellow"), f"  {note.note}" if note.note else "")


def print_gate(console: TextConsole, gate: Mapping[str, Any]) -> None:
    """Print what the gate decided, and the figures behind it."""
    decision = ("accepted", "green") if gate["accepted"] else ("refused", "red")
    against = "" if gate["against"] is None else f" against version {gate['against']}"
    verdict = f": {gate['verdict']}" if gate.get("verdict") else ""
    printing.print_line(console, f"gate: version {gate['version']} ", decision, against, verdict)
    comparisons = gate.get("comparisons", [])
    if not comparisons:
        console.print(f"  {gate['why']}", soft_wrap=True)
        return
    table = printing.wide_table(
        "course", "measure", "this version", "current", "difference", "at least", "pairs", "verdict"
    )
    for comparison in comparisons:
        table.add_row(
            comparison["course"],
            comparison["measure"],
            *_format_scores(comparison),
            f"{comparison['lower']:+.1f}",
            f"{comparison['pairs']} {comparison.get('unit', '')}".rstrip(),
            _describe_verdict(comparison),
        )
        for part in comparison.get("parts", []):
            table.add_row(
                f"  {part['name']}",
                "new to both versions" if part["new_to_both"] else "",
                *_format_scores(part),
                "",
                str(part["pairs"]),
                Text("worse", "red") if part["worse"] else "",
            )
    printing.print_unwrapped(console, table)
    for comparison in comparisons:
        if "lap_time_s" in comparison:
            laps = comparison["lap_time_s"]
            console.print(
                f"  a lap takes {laps['candidate']:.1f} s, and {laps['incumbent']:.1f} s with the "
                "current version",
                soft_wrap=True,
            )
    print_left_out(console, gate.get("left_out", {}))
    if not gate["accepted"]:
        console.print(
            "  The current version stays current. `lapwing promote "
            f"{gate['version']} --force` makes this version current nevertheless.",
            soft_wrap=True,
        )


def _format_scores(scores: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the scores of both versions on a course or a part of it, and their difference."""
    return (
        f"{scores['candidate']:.1f} %",
        f"{scores['incumbent']:.1f} %",
        f"{scores['difference']:+.1f}",
    )


def _describe_verdict(comparison: Mapping[str, Any]) -> Text:
    """Return what a comparison showed; gates of release 0.1.0 said only whether it was passed."""
    verdict = comparison.get("verdict")
    if verdict is None:
        passed = "no worse" if comparison["passed"] else "not shown"
        verdict = passed if comparison["tells"] else "not informative"
    return Text(verdict, {"no worse": "green", "worse": "red"}.get(verdict, "yellow"))


def print_evaluation(console: TextConsole, result: Mapping[str, Any]) -> None:
    """Print how well a version drove, with 95 % intervals, and where the results are."""
    evaluation = result["evaluation"]
    names = ("success_percent", "autonomy_percent", "lateral_mae_m", "off_road_percent")
    console.print(
        f"version {evaluation['version']} on {evaluation['track']}: {evaluation['starts']} "
        f"starts of {evaluation['laps']:g} laps; 95 % intervals are in brackets",
        soft_wrap=True,
    )
    table = printing.wide_table(
        "condition",
        "success",
        "autonomy",
        "distance from the line",
        "time with a wheel off the road",
    )
    for condition in evaluation["conditions"]:
        measures = condition["measures"]
        table.add_row(condition["condition"], *(_format_interval(measures[name]) for name in names))
    printing.print_unwrapped(console, table)
    for condition in evaluation["conditions"]:
        if "mean_speed_mph" in condition["measures"]:  # the version has learned its speed
            speed = _format_interval(condition["measures"]["mean_speed_mph"])
            console.print(f"{condition['condition']}: mean speed {speed}", soft_wrap=True)
    if result["replay"]:
        table = printing.wide_table(
            "recording, rows",
            "limit",
            "autonomy",
            "RMS distance from the path",
            "about its median",
            "left the road",
        )
        for dataset in result["replay"]:
            for drive in dataset["drives"]:
                about = drive.get("deviation_without_steady_rmse_m")
                times = (drive.get("road") or {}).get("times_off_road")
                table.add_row(
                    f"{dataset['dataset']}: {dataset['held_out']}",
                    f"{drive['limit_m']:g} m",
                    f"{drive['autonomy_percent']:.1f} %",
                    f"{drive['deviation_rmse_m']:.2f} m",
                    "–" if about is None else f"{about:.2f} m",
                    "–" if times is None else f"{times} times",
                )
        printing.print_unwrapped(console, table)
    for dataset in result["openloop"]:
        score = dataset["score"]
        console.print(
            f"{dataset['dataset']}: MSE {score['mse']:.4f}, predict-zero {score['mse_zero']:.4f}, "
            f"hold-last {score['mse_hold']:.4f}; {dataset['leak']}",
            soft_wrap=True,
        )
    print_left_out(console, result.get("left_out", {}))
    console.print(f"results are in {evaluation['folder']}", soft_wrap=True)


def print_shadow(console: TextConsole, result: Mapping[str, Any]) -> None:
    """Print how a version that steered along unseen differs from the one that drove."""
    drivers = " and ".join(f"version {driver}" for driver in result["drivers"])
    console.print(
        f"version {result['version']} steered along with {drivers} in {result['moments']:,} frames "
        f"of {result['seconds']:.0f} s; {result['ended']}",
        soft_wrap=True,
    )
    correlation = result["correlation"]
    table = printing.name_value_table()
    for name, value in (
        ("difference, mean", f"{_signed_degrees(result['mean_deg'])} (positive is to the right)"),
        ("difference, mean size", f"{result['mae_deg']:.2f}°"),
        ("95 % of differences are below", f"{result['p95_deg']:.2f}°"),
        ("largest difference", f"{result['max_deg']:.2f}°"),
        ("steered to opposite sides", f"{result['opposite_percent']:.1f} % of frames"),
        ("correlation", UNKNOWN if correlation is None else f"{correlation:.3f}"),
    ):
        table.add_row(name, value)
    console.print(table)
    table = printing.wide_table("steering of the car", "frames", "difference, mean", "mean size")
    for row in result["by_bin"]:
        table.add_row(
            f"{row['from']:+.2f} to {row['to']:+.2f}",
            f"{row['rows']:,.0f}",
            _signed_degrees(row["bias_deg"]),
            f"{row['mae_deg']:.2f}°",
        )
    printing.print_unwrapped(console, table)
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in result["left_out"].items())
    if left_out:
        console.print(f"not compared: {left_out}", soft_wrap=True)
    console.print(f"pictures of the worst moments are in {result['folder']}", soft_wrap=True)


def _signed_degrees(angle_deg: float) -> str:
    """Return an angle with its sign; what is rounded to 0 has the sign +."""
    return f"{round(angle_deg, 2) + 0.0:+.2f}°"


def print_left_out(console: TextConsole, left_out: Mapping[str, str]) -> None:
    """Print which datasets were left out because their manifests cannot be read, and why."""
    for dataset, reason in left_out.items():
        printing.print_line(console, ("left out:", "yellow"), f" {dataset}: {reason}")


def _format_interval(measure: Mapping[str, Any]) -> str:
    if measure["mean"] is None:
        return UNKNOWN
    form = ".0f" if measure["unit"] == "%" else ".2f"
    low, high = format(measure["low"], form), format(measure["high"], form)
    return f"{format(measure['mean'], form)} {measure['unit']} ({low}-{high})"


def _describe_standing(version: int, current: int | None, decisions: Sequence[Decision]) -> Text:
    """Return in a word how the last decision on a version ended."""
    own_decisions = [decision for decision in decisions if decision.version == version]
    if not own_decisions:
        return Text(UNKNOWN if version == current else "candidate")
    last = own_decisions[-1]
    if last.accepted:
        return Text(last.by)
    verdict = last.evidence.get("verdict", "")
    return printing.styled(
        ("refused", "red"), f" against {last.previous}{', ' if verdict else ''}{verdict}"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document
    except ValueError as error:
        raise ModelError(
            f"{path} cannot be read", got=error, remedy="`lapwing evaluate` writes a new one"
        ) from error
