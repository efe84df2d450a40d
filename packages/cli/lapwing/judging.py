"""The commands about versions: which there are, how they drive, and which one does."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from contract import jobs, promotion
from contract.registry import Registry
from lapwing import ranking, show
from lapwing.follow import Wait, follow, waits
from lapwing.local import AsJson
from lapwing.settings import read_settings

Version = Annotated[int, typer.Argument(min=1, help="Of the model.")]


def models(as_json: AsJson = False) -> None:
    """List the published models: their scores, where they come from, who is current and why."""
    registry = Registry(read_settings().models)
    manifests = [registry.manifest(version) for version in registry.versions()]
    current, decisions = registry.current(), registry.decisions()
    if as_json:
        show.document(
            {
                "current": current,
                "versions": [dataclasses.asdict(each) for each in manifests],
                "decisions": [dataclasses.asdict(each) for each in decisions],
            }
        )
    else:
        ranking.models(show.console(), manifests, current, decisions)


def promote(
    version: Version,
    force: Annotated[
        bool, typer.Option("--force", help="At once, whatever the gate says; it is recorded.")
    ] = False,
    why: Annotated[str, typer.Option(help="With --force: what the journal says.")] = "",
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Make a version the one that drives, if it drives no worse than the one that does."""
    settings = read_settings()
    registry = Registry(settings.models)
    if force:
        promotion.force(registry, version, why or "lapwing promote --force")
        _current(registry, as_json)
        return
    registry.manifest(version)  # said at once, where there is none
    connection = settings.connect()
    queued = jobs.enqueue(jobs.GATE, connection, str(version), {"version": version})
    console = show.console(as_json)
    if not waits(wait):
        show.queued(console, [jobs.view(queued, connection)], as_json=as_json)
        return
    result = follow(queued, connection, console)
    if as_json:
        show.document(result)
    else:
        ranking.verdict(console, result["gate"])
    raise typer.Exit(0 if result["gate"]["accepted"] else 1)


def rollback(as_json: AsJson = False) -> None:
    """Have the version drive again that drove before; each call goes back further."""
    registry = Registry(read_settings().models)
    promotion.rollback(registry)
    _current(registry, as_json)


def _current(registry: Registry, as_json: bool) -> None:
    version = registry.current()
    assert version is not None
    manifest: Any = registry.manifest(version)
    if as_json:
        show.document({"current": version, "sha256": manifest.sha256})
    else:
        show.console().print(f"model version {version} is current ({manifest.sha256[:12]})")
