"""The commands `models`, `evaluate`, `promote` and `rollback`: they handle model versions."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from contract import printing
from contract.jobs import queue
from contract.models import notes, promotion
from contract.models.registry import Registry
from lapwing.jobs.follow import run_job
from lapwing.options import AsJson, Version, Wait, parse_conditions
from lapwing.output import models as model_tables
from lapwing.settings import read_home


def models(
    note: Annotated[
        tuple[int, str] | None,
        typer.Option(
            metavar="N TEXT", help='Set the note of version N, which the list shows; "" removes it.'
        ),
    ] = None,
    pin: Annotated[
        int | None, typer.Option(metavar="N", help="Pin version N: `lapwing prune` keeps it.")
    ] = None,
    unpin: Annotated[
        int | None, typer.Option(metavar="N", help="Let `lapwing prune` remove version N again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the published models, and show which one drives.

    The table shows the scores of each version, how the gate decided on it, what it was trained on,
    and its note. Below it stands why the current version is current.
    """
    registry = Registry(read_home().models)
    if note is not None:
        notes.write(registry, note[0], note=note[1])
    if pin is not None:
        notes.write(registry, pin, pinned=True)
    if unpin is not None:
        notes.write(registry, unpin, pinned=False)
    if not as_json:
        model_tables.print_models(printing.message_console(), registry)
        return
    manifests = [registry.manifest(version) for version in registry.versions()]
    printing.print_json(
        {
            "current": registry.current(),
            "versions": [dataclasses.asdict(manifest) for manifest in manifests],
            "decisions": [dataclasses.asdict(decision) for decision in registry.decisions()],
            "notes": {
                str(version): dataclasses.asdict(said)
                for version, said in notes.read(registry.root).items()
            },
        }
    )


def promote(
    version: Version,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Make the version current at once, without a comparison. The journal "
            "records that it was forced.",
        ),
    ] = False,
    why: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Reason to record in the journal, together with --force."
        ),
    ] = "",
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Make a version current if it drives no worse.

    The gate compares the version with the current one in the simulator and on recordings. The
    exit status is 0 if the gate accepts the version, and 1 if it refuses it.
    """
    settings = read_home()
    registry = Registry(settings.models)
    if force:
        promotion.force(registry, version, why or "lapwing promote --force")
        _print_current(registry, as_json)
        return
    registry.manifest(version)  # An unknown version is refused here, before a job is queued.
    result = run_job(queue.GATE, str(version), {"version": version}, wait, as_json)
    if result is not None:
        if as_json:
            printing.print_json(result)
        else:
            model_tables.print_gate(printing.message_console(), result["gate"])
        raise typer.Exit(0 if result["gate"]["accepted"] else 1)


def rollback(as_json: AsJson = False) -> None:
    """Make the version current that was current before.

    Each further call goes one version further back.
    """
    registry = Registry(read_home().models)
    promotion.rollback(registry)
    _print_current(registry, as_json)


def evaluate(
    version: Version,
    track: Annotated[
        str,
        typer.Option(
            metavar="TRACK",
            help="Track to drive: lake, jungle, random: and a seed such as random:7, or a CSV "
            "file with the points of a road.",
        ),
    ] = "lake",
    starts: Annotated[
        int,
        typer.Option(metavar="X", min=1, max=200, help="Number of drives under each condition."),
    ] = 20,
    laps: Annotated[
        float, typer.Option(metavar="X", min=0.01, max=10, help="Length of each drive, in laps.")
    ] = 1.0,
    perturb: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="More conditions to drive under, after clear weather, separated by commas: "
            "fog, dusk, delay=100ms, offset=1m. A plus sign joins two into one: "
            "fog+delay=100ms.",
        ),
    ] = "",
    seed: Annotated[
        int,
        typer.Option(
            metavar="X", min=0, help="Seed of the random numbers that place the car at each start."
        ),
    ] = 1,
    film: Annotated[
        bool, typer.Option(help="Make a video of the worst drive under each condition.")
    ] = True,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well a published model version drives.

    The version drives in the simulator from many starts, and along those parts of the
    recordings that it was not trained on. The results are kept with the version.
    """
    Registry(read_home().models).manifest(version)
    track_file = Path(track)
    arguments: dict[str, Any] = {
        "version": version,
        "track": str(track_file.absolute()) if track_file.is_file() else track,
        "starts": starts,
        "laps": laps,
        "conditions": list(dict.fromkeys(["clear", *parse_conditions(perturb)])),
        "seed": seed,
        "film": film,
    }
    result = run_job(queue.EVALUATE, str(version), arguments, wait, as_json)
    if result is None:
        return
    if as_json:
        printing.print_json(result)
    else:
        model_tables.print_evaluation(printing.message_console(), result)


def _print_current(registry: Registry, as_json: bool) -> None:
    version = registry.current()
    assert version is not None
    sha256 = registry.manifest(version).sha256
    if as_json:
        printing.print_json({"current": version, "sha256": sha256})
    else:
        printing.message_console().print(f"model version {version} is current ({sha256[:12]})")
