"""The commands about versions: which there are, how they drive, and which one does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from contract.jobs import queue
from contract.models import promotion
from contract.models.registry import Registry
from lapwing.ask import ask
from lapwing.commands.local import AsJson
from lapwing.jobs.follow import Wait
from lapwing.output import models as ranking
from lapwing.output import tables
from lapwing.settings import read_settings

Version = Annotated[int, typer.Argument(min=1, help="Of the model.")]


def models(as_json: AsJson = False) -> None:
    """List the published models: their scores, where they come from, who is current and why."""
    registry = Registry(read_settings().models)
    if not as_json:
        ranking.models(tables.console(), registry)
        return
    manifests = [registry.manifest(version) for version in registry.versions()]
    tables.document(
        {
            "current": registry.current(),
            "versions": [dataclasses.asdict(each) for each in manifests],
            "decisions": [dataclasses.asdict(each) for each in registry.decisions()],
        }
    )


def promote(
    version: Version,
    force: Annotated[
        bool, typer.Option("--force", help="At once, whatever the gate says; it is recorded.")
    ] = False,
    why: Annotated[str, typer.Option(help="With --force: what the journal says.")] = "",
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Make a version the one that drives, if it is shown to drive no worse; exit 1 if not."""
    settings = read_settings()
    registry = Registry(settings.models)
    if force:
        promotion.force(registry, version, why or "lapwing promote --force")
        _tell_current(registry, as_json)
        return
    registry.manifest(version)  # said at once, where there is none
    result = ask(queue.GATE, str(version), {"version": version}, wait, as_json)
    if result is not None:
        if as_json:
            tables.document(result)
        else:
            ranking.verdict(tables.console(), result["gate"])
        raise typer.Exit(0 if result["gate"]["accepted"] else 1)


def rollback(as_json: AsJson = False) -> None:
    """Have the version drive again that drove before; each call goes back further."""
    registry = Registry(read_settings().models)
    promotion.rollback(registry)
    _tell_current(registry, as_json)


def evaluate(
    version: Version,
    track: Annotated[str, typer.Option(help="lake, jungle, or a CSV file of points.")] = "lake",
    starts: Annotated[int, typer.Option(min=1, max=200, help="Drives a condition.")] = 20,
    laps: Annotated[float, typer.Option(min=0.01, max=10, help="Of each drive.")] = 1.0,
    perturb: Annotated[
        str,
        typer.Option(help="Conditions beside clear: fog,dusk,delay=100ms,offset=1m; + joins some."),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of the starts.")] = 1,
    film: Annotated[bool, typer.Option(help="Film the worst drive of each condition.")] = True,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Have a version drive from many starts and along recordings; keep what was measured."""
    Registry(read_settings().models).manifest(version)
    conditions = ["clear", *(word.strip() for word in perturb.split(",") if word.strip())]
    own = Path(track)
    arguments: dict[str, Any] = {
        "version": version,
        "track": str(own.absolute()) if own.is_file() else track,
        "starts": starts,
        "laps": laps,
        "conditions": list(dict.fromkeys(conditions)),
        "seed": seed,
        "film": film,
    }
    result = ask(queue.EVALUATE, str(version), arguments, wait, as_json)
    if result is None:
        return
    if as_json:
        tables.document(result)
    else:
        ranking.evaluation(tables.console(), result)


def _tell_current(registry: Registry, as_json: bool) -> None:
    version = registry.current()
    assert version is not None
    sha256 = registry.manifest(version).sha256
    if as_json:
        tables.document({"current": version, "sha256": sha256})
    else:
        tables.console().print(f"model version {version} is current ({sha256[:12]})")
