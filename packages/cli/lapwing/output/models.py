"""What the command line prints of versions beside each other, and of the gate between them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from contract.errors import ModelError
from contract.models.journal import Decision
from contract.models.registry import ModelManifest, Registry
from lapwing.output import tables

UNKNOWN: Final = "-"


def models(to: Console, registry: Registry) -> None:
    """Show the versions with their scores and origin, and why the current one drives."""
    manifests = [registry.manifest(version) for version in registry.versions()]
    current, decisions = registry.current(), registry.decisions()
    if not manifests:
        to.print("No model was published. `lapwing train` makes one.")
        return
    table = tables.lines("", "MSE", "zero", "hold", "drives", "replay 3 m", "gate", "from")
    for each in manifests:
        found = scores(registry.path(each.version))
        errors = [
            each.metrics.get(f"validation_{name}") for name in ("mse", "mse_zero", "mse_hold")
        ]
        table.add_row(
            f"[green]{each.version} current[/]" if each.version == current else str(each.version),
            *(UNKNOWN if error is None else f"{error:.4f}" for error in errors),
            found["drives"],
            found["replay"],
            _standing(each.version, current, decisions),
            origin(each),
        )
    tables.unbroken(to, table)
    made = [each for each in decisions if each.version == current and each.accepted]
    if made:
        said = made[-1]
        to.print(
            f"version {current} is current since {said.at} ({said.by}): {said.why}",
            highlight=False,
            soft_wrap=True,
        )


def scores(version: Path) -> dict[str, str]:
    """Return a version's autonomy with its interval, as it was evaluated last, in words."""
    found = {"drives": UNKNOWN, "replay": UNKNOWN}
    evaluations = [_read(path) for path in version.glob("evaluations/[!.]*/evaluation.json")]
    if evaluations:
        latest = max(evaluations, key=lambda each: str(each["made_at"]))
        first = latest["conditions"][0]
        value = first["measures"]["autonomy_percent"]
        found["drives"] = f"{_figure(value)} {latest['track']}"
    path = version / "evaluations" / "replay" / "replay.json"
    if path.is_file():
        shares = [
            drive["autonomy_percent"]
            for each in _read(path)["datasets"]
            for drive in each["drives"]
            if drive["limit_m"] == 3
        ]
        if shares:
            found["replay"] = f"{sum(shares) / len(shares):.0f} % of {len(shares)}"
    return found


def origin(manifest: ModelManifest) -> str:
    """Say what a version was trained on, or which file it came from."""
    if "imported_from" in manifest.config:
        return f"imported from {manifest.config['imported_from']}"
    return ", ".join(str(data["dataset"]) for data in manifest.data)


def verdict(to: Console, gate: Mapping[str, Any]) -> None:
    """Show what the gate decided, and by which figures."""
    word = "[green]accepted[/]" if gate["accepted"] else "[red]refused[/]"
    against = "" if gate["against"] is None else f" against version {gate['against']}"
    to.print(f"gate: version {gate['version']} {word}{against}", soft_wrap=True)
    comparisons = gate.get("comparisons", [])
    if not comparisons:
        to.print(f"  {gate['why']}", highlight=False, soft_wrap=True)
        return
    table = tables.lines("course", "", "this one", "current", "difference", "at least", "pairs")
    for each in comparisons:
        table.add_row(
            each["course"],
            each["measure"],
            f"{each['candidate']:.1f} %",
            f"{each['incumbent']:.1f} %",
            f"{each['difference']:+.1f}",
            f"{each['lower']:+.1f}",
            str(each["pairs"]) + ("" if each["tells"] else ", tells nothing"),
        )
    tables.unbroken(to, table)
    if not gate["accepted"]:
        to.print(
            f"  current stays; `lapwing promote {gate['version']} --force` has it drive all the "
            "same",
            highlight=False,
            soft_wrap=True,
        )


def evaluation(to: Console, result: Mapping[str, Any]) -> None:
    """Show how a version drove, with 95 % intervals, and where the rest of it lies."""
    found = result["evaluation"]
    names = ("success_percent", "autonomy_percent", "lateral_mae_m", "off_road_percent")
    to.print(
        f"version {found['version']} on {found['track']}: {found['starts']} starts of "
        f"{found['laps']:g} laps; in brackets 95 % intervals",
        highlight=False,
        soft_wrap=True,
    )
    table = tables.lines("", "success", "autonomy", "off the line", "wheel off the road")
    for each in found["conditions"]:
        table.add_row(each["condition"], *(_figure(each["measures"][name]) for name in names))
    tables.unbroken(to, table)
    if result["replay"]:
        table = tables.lines("recording, held out", "limit", "autonomy", "off the path, rms")
        for road in result["replay"]:
            for drive in road["drives"]:
                table.add_row(
                    f"{road['dataset']}: {road['held_out']}",
                    f"{drive['limit_m']:g} m",
                    f"{drive['autonomy_percent']:.1f} %",
                    f"{drive['deviation_rmse_m']:.2f} m",
                )
        tables.unbroken(to, table)
    for road in result["openloop"]:
        score = road["score"]
        to.print(
            f"{road['dataset']}: MSE {score['mse']:.4f}, predict-zero {score['mse_zero']:.4f}, "
            f"hold-last {score['mse_hold']:.4f}; {road['leak']}",
            highlight=False,
            soft_wrap=True,
        )
    to.print(f"kept {found['folder']}", highlight=False, soft_wrap=True)


def _figure(value: Mapping[str, Any]) -> str:
    if value["mean"] is None:
        return UNKNOWN
    form = ".0f" if value["unit"] == "%" else ".2f"
    low, high = format(value["low"], form), format(value["high"], form)
    return f"{format(value['mean'], form)} {value['unit']} ({low}-{high})"


def _standing(version: int, current: int | None, decisions: Sequence[Decision]) -> str:
    """Say in a word how a version fared last."""
    of = [each for each in decisions if each.version == version]
    if not of:
        return UNKNOWN if version == current else "candidate"
    return of[-1].by if of[-1].accepted else f"[red]refused[/] against {of[-1].previous}"


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document
    except ValueError as error:
        raise ModelError(
            f"{path} cannot be read", got=error, remedy="`lapwing evaluate` makes it anew"
        ) from error
