"""The command `train`: it has a model trained.

Its options are those of contract.train_config.TrainConfig: names, defaults, ranges and help texts
come from there. An option that had another name in release 0.1.0 still takes that name.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import Field
from typing import Annotated, Any

import typer

from contract import printing, train_config
from contract.errors import SettingError
from contract.jobs import queue
from contract.models.registry import Registry
from contract.train_config import TrainConfig
from contract.training_plan import find_parent, select_datasets
from lapwing.datasets import simulated_laps
from lapwing.jobs.follow import finish
from lapwing.options import AsJson, Wait, parse_word_or_number, warn, warn_of_former_name
from lapwing.settings import read_home


def with_training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Make the fields of TrainConfig options of a command, in the place of its `**options`."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    positional = [
        parameter for parameter in own if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    named = [parameter for parameter in own if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    fields = dataclasses.fields(TrainConfig)
    training = [parameter for field in fields for parameter in _parameters(field)]
    # Typer reads this attribute instead of the function's own signature. It lists the options in
    # this order.
    command.__dict__["__signature__"] = inspect.Signature([*positional, *training, *named])
    return command


def _parameters(field: Field[Any]) -> Iterator[inspect.Parameter]:
    """Yield the option of a field, and a hidden one under the field's former name."""
    choices = field.metadata["choices"]
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    kind: Any = str if choices else type(field.default)
    limits = {"min": low, "max": high} if low is not None and not choices else {}
    metavar = None
    if choices:
        metavar = "|".join(choices) + ("" if low is None else f"|{low:g}-{high:g}")
    elif limits:
        metavar = "X"  # Typer shows the range as "1<=x<=1000".
    option = typer.Option(help=field.metadata["description"], metavar=metavar, **limits)
    yield _parameter(field.name, Annotated[kind, option], field.default)
    former = field.metadata["formerly"]
    if former:
        yield _parameter(former, Annotated[kind | None, typer.Option(hidden=True, **limits)], None)


def _parameter(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


@with_training_options
def train(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Datasets to train on, by their names as `lapwing ingest` prints them. By "
            "default, all imported datasets are used; with --from, all that trained neither that "
            "version nor one of its ancestors."
        ),
    ] = None,
    *,
    parent: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="N",
            min=1,
            help="Version to go on from: its weights are trained further, instead of random ones. "
            "It may be an imported version if its layers are those of Lapwing's network. Rows that "
            "trained it or one of its ancestors never validate the new version.",
        ),
    ] = None,
    with_simulator: Annotated[
        bool,
        typer.Option(
            "--with-simulator",
            help="Train on laps of the simulator as well, on random tracks in many colours. They "
            "are recorded the first time, and kept as the datasets simulated-lap-1 and so on. They "
            "never validate the model.",
        ),
    ] = False,
    simulator_laps: Annotated[
        int,
        typer.Option(
            "--simulator-laps",
            metavar="X",
            min=1,
            max=1000,
            help="Number of simulated laps that --with-simulator trains on.",
        ),
    ] = 4,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            max=1024,
            help="Maximum number of workers of the Ray cluster (LAPWING_CLUSTER) that train the "
            "model together with JAX, each on one GPU and on its part of each batch. By default, "
            "the trainer trains alone, which on CPUs is faster.",
        ),
    ] = None,
    wait: Wait = None,
    as_json: AsJson = False,
    **options: object,
) -> None:
    """Train a model on imported recordings, and publish it.

    The training starts from random weights, or goes on from a version (--from). The gate then
    compares the new version with the current one, and makes it current if it drives no worse.
    """
    settings, config = read_home(), read_config(options)
    connection = settings.connect()
    # What the job would refuse is refused here, not hours later.
    version = None if parent is None else find_parent(Registry(settings.models), parent)
    selection = select_datasets(settings.data, datasets or [], config, version)
    for reason in selection.unreadable.values():
        warn(f"not trained on: {reason}")
    names = datasets or []
    if with_simulator:
        own = names or [manifest.dataset for manifest in selection.manifests]
        console = printing.message_console(as_json)
        laps = simulated_laps.provide(settings.data, simulator_laps, connection, console)
        names = [*own, *(lap for lap in laps if lap not in own)]
        select_datasets(settings.data, names, config, version)
    arguments = {"datasets": names, **dataclasses.asdict(config)}
    label = "-".join([*(datasets or ["all"]), *(["simulator"] if with_simulator else [])])
    if parent is not None:
        arguments["parent"] = parent
        label = "-".join([f"from-{parent}", *(datasets or [])])
    if workers is not None:
        arguments["workers"] = workers
    finish([queue.enqueue(queue.TRAIN, connection, label, arguments)], connection, wait, as_json)


def read_config(options: dict[str, object]) -> TrainConfig:
    """Return the configuration that the options ask for. Warn on stderr about former names.

    Args:
        options: values by the names of the fields and by their former names. An option with a
            former name is None if it was not given.

    Raises:
        SettingError: an option is given under both of its names, or has another form.
        TrainingError: a value is out of its range.
    """
    values: dict[str, object] = {}
    for field in dataclasses.fields(TrainConfig):
        value, former = options[field.name], field.metadata["formerly"]
        if former and options[former] is not None:
            _warn_of_former_name(field, value)
            value = options[former]
        choices, high = field.metadata["choices"], field.metadata["maximum"]
        if choices and high is not None:
            low = field.metadata["minimum"]
            value = parse_word_or_number(_flag(field.name), str(value), choices, low, high)
        values[field.name] = value
    return train_config.from_arguments(values)


def _warn_of_former_name(field: Field[Any], value: object) -> None:
    """Print that an option has another name now.

    Raises:
        SettingError: the option is given under that name, too.
    """
    name, former = _flag(field.name), _flag(field.metadata["formerly"])
    if value != field.default:
        raise SettingError(
            "an option is given under two names",
            got=f"{former} and {name}",
            remedy=f"Leave out {former}, the name of release 0.1.0",
        )
    warn_of_former_name(former, name)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
