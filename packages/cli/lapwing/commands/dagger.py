"""The command `dagger`: it improves a model on the mistakes that the model makes when it drives."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Final

import typer
from redis import exceptions

from contract import printing
from contract.errors import JobError, ModelError, StoreError
from contract.jobs import queue
from contract.models.registry import ModelManifest, Registry
from contract.printing import TextConsole
from lapwing.dagger import rounds, state
from lapwing.dagger.rounds import RunContext
from lapwing.dagger.state import DaggerRun
from lapwing.jobs.follow import require_worker
from lapwing.options import AsJson, parse_conditions, training_option, warn_of_former_name
from lapwing.settings import Settings, read_settings

STATE_FILE: Final = "dagger.json"


def dagger(
    count: Annotated[
        int, typer.Option("--rounds", metavar="X", min=1, max=50, help="Number of rounds.")
    ] = 3,
    version: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="X",
            min=1,
            help="Model version to start with. By default, it is the current version.",
        ),
    ] = None,
    track: Annotated[
        str,
        typer.Option(
            metavar="TRACK",
            help="Track to drive: lake, jungle, or random: and a seed such as random:7.",
        ),
    ] = "lake",
    conditions: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Conditions under which each version is evaluated, separated by commas.",
        ),
    ] = "clear,fog,dusk,delay=100ms,offset=1m",
    aim: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Conditions under which the model makes the drives to learn from. By "
            "default, each round takes the condition with the lowest autonomy.",
        ),
    ] = "",
    starts: Annotated[
        int, typer.Option(metavar="X", min=1, help="Number of drives under each condition.")
    ] = 6,
    laps: Annotated[
        float,
        typer.Option(metavar="X", min=0.01, help="Length of each drive of an evaluation, in laps."),
    ] = 1.0,
    rows: Annotated[
        int,
        typer.Option(
            metavar="X", min=1, help="Number of rows that each round adds to the training data."
        ),
    ] = 3000,
    beta: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0,
            max=0.99,
            help="Share of the driving that the expert does in the first round. In round n it is "
            "beta to the power n.",
        ),
    ] = 0.0,
    epochs: Annotated[
        int | None,
        training_option(
            "epochs",
            "Maximum number of epochs of each training. By default, it is that of the version's "
            "own training.",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Give up an interrupted run, and start a new one.")
    ] = False,
    anew: Annotated[bool, typer.Option("--anew", hidden=True)] = False,
    as_json: AsJson = False,
) -> None:
    """Improve a model on the mistakes it makes when it drives.

    In each round the model drives, the expert says how it should have steered, and a new version
    is trained on all recordings. This is the DAgger algorithm. If a run is interrupted, the same
    command goes on with it.
    """
    settings, console = read_settings(), printing.message_console(as_json)
    connection = settings.connect()
    terms = {
        "rounds": count,
        "from": version,
        "track": track,
        "conditions": parse_conditions(conditions),
        "aim": parse_conditions(aim),
        "starts": starts,
        "laps": laps,
        "rows": rows,
        "beta": beta,
        "epochs": epochs,
    }
    if anew:
        warn_of_former_name("--anew", "--restart")
    registry, path = Registry(settings.models), settings.data / STATE_FILE
    dagger_run = None if restart or anew else state.load_unfinished_run(path)
    if dagger_run is None:
        terms["from"] = _first_version(registry, version)
        dagger_run = state.start_run(path, terms)
    else:
        _require_same_terms(dagger_run, terms)
        _print_resumed(dagger_run, console)
    first = registry.manifest(dagger_run.terms["from"])
    _require_trainable(first, settings)
    for name in (queue.EVALUATION, queue.INGEST, queue.TRAIN):
        require_worker(name, connection)
    results = _run(first, RunContext(dagger_run, connection, console))
    if as_json:
        printing.print_json(
            {**dagger_run.terms, "rounds": [dataclasses.asdict(result) for result in results]}
        )
    else:
        printing.print_unwrapped(console, rounds.build_table(results))


def _run(first: ModelManifest, context: RunContext) -> list[rounds.Round]:
    """Carry out the rounds, and mark the run as done.

    Raises:
        JobError: a job failed, or the connection to Redis was lost.
    """
    try:
        results = rounds.run_rounds(first, context)
    except KeyboardInterrupt:
        context.console.print(
            "The job goes on. The same command continues this run.", highlight=False
        )
        raise
    except JobError:
        if not context.dagger_run.ended_steps:
            # Nothing is lost, and a corrected command must not find this run in its way.
            context.dagger_run.finish()
        raise
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        raise JobError(
            "the connection to Redis was lost",
            got=error,
            remedy="Start Lapwing again with `lapwing up` or `docker compose up -d`. Then the same "
            "command continues this run",
        ) from error
    context.dagger_run.finish()
    return results


def _first_version(registry: Registry, version: int | None) -> int:
    """Return the version to start with: the given one, or else the current one."""
    first = registry.current() if version is None else version
    if first is None:
        raise ModelError(
            "no model is published yet",
            got=str(registry.root),
            remedy="`lapwing train` makes one",
        )
    return first


def _require_trainable(manifest: ModelManifest, settings: Settings) -> None:
    """Check that a version can be trained again.

    Raises:
        ModelError: the version was imported.
        StoreError: a recording that it was trained on is no longer on the data volume.
    """
    datasets = [str(data["dataset"]) for data in manifest.data]
    if not datasets:
        raise ModelError(
            f"model version {manifest.version} cannot be trained again, because it was imported",
            got=manifest.config.get("imported_from"),
            remedy="Start with a version that `lapwing train` made: --from VERSION",
        )
    # contract.dataset.store knows where stores are, but importing it would need PyTables.
    stores = settings.data / "stores"
    missing = [name for name in datasets if not (stores / f"{name}.json").is_file()]
    if missing:
        raise StoreError(
            f"recordings of model version {manifest.version} are missing",
            got=missing,
            remedy="Import them again with `lapwing ingest`",
        )


def _require_same_terms(dagger_run: DaggerRun, terms: dict[str, Any]) -> None:
    """Raise JobError if the options differ from those of the interrupted run."""
    if terms["from"] is None:
        terms = terms | {"from": dagger_run.terms["from"]}
    changed = {name: value for name, value in terms.items() if value != dagger_run.terms.get(name)}
    if changed:
        raise JobError(
            "another `lapwing dagger` was interrupted",
            got=f"{ {name: dagger_run.terms.get(name) for name in changed} }, now {changed}",
            remedy="Use the same options to continue it, or --restart to give it up",
        )


def _print_resumed(dagger_run: DaggerRun, console: TextConsole) -> None:
    steps = ", ".join(dagger_run.ended_steps) or "none"
    console.print(
        f"This continues the run that started from version {dagger_run.terms['from']}. "
        f"Steps that have ended: {steps}.",
    )
