"""The command `dagger`: a model learns from the mistakes that it makes when it drives."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Final

import typer
from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console

from contract.errors import JobError, ModelError, StoreError
from contract.jobs import queue as jobs
from contract.jobs import worker
from contract.models.registry import ModelManifest, Registry
from lapwing.commands.local import AsJson
from lapwing.dagger import rounds, state
from lapwing.dagger.rounds import Door
from lapwing.dagger.state import Campaign
from lapwing.jobs.follow import WORKERS
from lapwing.output import tables
from lapwing.settings import Settings, read_settings

STATE: Final = "dagger.json"


def dagger(
    count: Annotated[int, typer.Option("--rounds", min=1, max=50, help="How often.")] = 3,
    version: Annotated[
        int | None, typer.Option("--from", min=1, help="Version to begin with; default: current.")
    ] = None,
    track: Annotated[str, typer.Option(help="That is driven.")] = "lake",
    conditions: Annotated[
        str, typer.Option(help="Evaluated under: lights, delay=100ms, offset=1m.")
    ] = "clear,fog,dusk,delay=100ms,offset=1m",
    aim: Annotated[
        str, typer.Option(help="Learnt under; default: the weakest of them, round by round.")
    ] = "",
    starts: Annotated[int, typer.Option(min=1, help="Drives under each condition.")] = 6,
    laps: Annotated[float, typer.Option(min=0.01, help="Of a drive of the evaluation.")] = 1.0,
    rows: Annotated[int, typer.Option(min=1, help="That a round adds.")] = 3000,
    beta: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share that the expert drives: beta^round.")
    ] = 0.0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most; default: as the version's.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Leave what was interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn from mistakes: drive, have the expert correct it, train on all of it; again.

    What was interrupted is taken up again by the same command.
    """
    settings, console = read_settings(), tables.console(as_json)
    connection = settings.connect()
    asked = {
        "rounds": count,
        "from": version,
        "track": track,
        "conditions": _words(conditions),
        "aim": _words(aim),
        "starts": starts,
        "laps": laps,
        "rows": rows,
        "beta": beta,
        "epochs": epochs,
    }
    registry, path = Registry(settings.models), settings.data / STATE
    work = None if anew else state.unfinished(path)
    if work is None:
        asked["from"] = _first(registry, version)
        work = state.begin(path, asked)
    else:
        _same(work, asked, console)
    begun = _learnt(registry.manifest(work.terms["from"]), settings)
    for queue in (jobs.EVALUATION, jobs.INGEST, jobs.TRAIN):
        _require_worker(queue, connection)
    try:
        found = rounds.run(begun, Door(work, connection, console))
    except KeyboardInterrupt:
        console.print("The job goes on; the same command takes this up again.", highlight=False)
        raise
    except JobError:
        if not work.ended:
            work.end()  # there is nothing to take up: whoever corrects an option begins at once
        raise
    except RedisError as error:
        raise JobError(
            "Redis is gone",
            got=error,
            remedy="`lapwing up` or `docker compose up -d` runs it; the same command takes this up "
            "again",
        ) from error
    work.end()
    if as_json:
        tables.document({**work.terms, "rounds": [dataclasses.asdict(each) for each in found]})
    else:
        console.print(rounds.table(found))


def _words(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _first(registry: Registry, version: int | None) -> int:
    """Return the version to begin with."""
    chosen = registry.current() if version is None else version
    if chosen is None:
        raise ModelError(
            "no model was published yet", got=str(registry.root), remedy="`lapwing train` makes one"
        )
    return chosen


def _learnt(manifest: ModelManifest, settings: Settings) -> ModelManifest:
    """Return the manifest of a version that can be trained again.

    Raises:
        ModelError: it was imported.
        StoreError: a recording that it was trained on is not on the data volume any more.
    """
    names = [str(each["dataset"]) for each in manifest.data]
    if not names:
        raise ModelError(
            f"model version {manifest.version} cannot be trained again: it was imported",
            got=manifest.config.get("imported_from"),
            remedy="Begin with a version that `lapwing train` made: --from N",
        )
    # Where stores lie is told by contract.dataset.store, which would bring PyTables.
    missing = [each for each in names if not (settings.data / "stores" / f"{each}.json").is_file()]
    if missing:
        raise StoreError(
            f"recordings of model version {manifest.version} are gone",
            got=missing,
            remedy="lapwing ingest them again",
        )
    return manifest


def _same(work: Campaign, asked: dict[str, Any], console: Console) -> None:
    """Say what is taken up again, unless something else is asked for.

    Raises:
        JobError: it is.
    """
    if asked["from"] is None:
        asked = asked | {"from": work.terms["from"]}
    other = {name: value for name, value in asked.items() if value != work.terms.get(name)}
    if other:
        raise JobError(
            "another `lapwing dagger` was interrupted",
            got=f"{ {name: work.terms.get(name) for name in other} }, now {other}",
            remedy="Ask for the same to take it up again; --anew leaves it",
        )
    done = f"done are {', '.join(work.ended)}" if work.ended else "nothing is done yet"
    console.print(f"Taken up again from version {work.terms['from']}: {done}", highlight=False)


def _require_worker(queue: str, connection: Redis) -> None:
    """Raise JobError unless somebody works on a queue."""
    if not worker.is_listening(queue, connection):
        raise JobError(
            f"no {WORKERS[queue]} is running",
            got=f"nobody works on the queue {queue}",
            remedy="Start Lapwing first: `lapwing up` or `docker compose up -d`",
        )
