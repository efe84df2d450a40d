"""The commands: each gathers what it needs, asks the one module that does it, and shows the answer.

Wherever Lapwing runs, in containers or by `lapwing up`, the same commands reach it: they speak to
Redis, the model volume and inference, wherever the settings say these are.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from redis import Redis
from rich.console import Console

from contract.jobs import queue
from lapwing import options
from lapwing.commands import dagger, drive, explain, local, models, report
from lapwing.commands.local import AsJson
from lapwing.jobs import uploads
from lapwing.jobs.follow import Wait, follow, waits
from lapwing.output import models as ranking
from lapwing.output import tables
from lapwing.settings import read_settings

app = typer.Typer(
    help="Clone driving: recordings go in, a steering model comes out, the car drives itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    """Print the release of Lapwing, and end."""
    if asked:
        typer.echo(f"lapwing {importlib.metadata.version('lapwing-cli')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Recordings: folders, zips or tars.")],
    name: Annotated[str | None, typer.Option(help="What to call the dataset.")] = None,
    max_reject_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of rows that may be bad.")
    ] = None,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Import recordings into the store; what is imported already is left alone."""
    settings, console = read_settings(), tables.console(as_json)
    connection = settings.connect()
    queued = []
    for path in paths:
        source, staged = uploads.source(path, settings.inbox_dir)
        arguments = {
            "source": str(source),
            "name": name,
            "staged": staged,
            "max_reject_share": max_reject_share,
        }
        queued.append(queue.enqueue(queue.INGEST, connection, name or path.name, arguments))
    _finish(queued, connection, console, wait, as_json)


@app.command()
def train(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="By name or in full; default: all.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="At most.")] = 20,
    batch: Annotated[int, typer.Option(help="Samples a step.")] = 64,
    patience: Annotated[int, typer.Option(help="Epochs without improvement.")] = 4,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3,
    steering_correction: Annotated[
        str, typer.Option(help="Steering of the side cameras, ±; auto: by geometry.")
    ] = "auto",
    cameras: Annotated[bool, typer.Option(help="Train on the side cameras too.")] = True,
    flip: Annotated[bool, typer.Option(help="Train on mirror images too.")] = True,
    history: Annotated[int, typer.Option(help="Earlier frames with a later steering, 0-4.")] = 0,
    split: Annotated[str, typer.Option(help="auto, recordings or blocks.")] = "auto",
    validation_share: Annotated[float, typer.Option(help="0.05-0.5")] = 0.2,
    validation_gap_s: Annotated[float, typer.Option(help="Between training and validation.")] = 1.0,
    label_smoothing_s: Annotated[
        float, typer.Option(help="Window over which labels are means; 0: none.")
    ] = 0.6,
    max_bin_ratio: Annotated[
        float, typer.Option(help="Times the mean that a bin of steerings may hold; 0: any.")
    ] = 0.0,
    brightness: Annotated[float, typer.Option(help="Vary brightness and contrast, 0-0.9.")] = 0.0,
    shadow: Annotated[float, typer.Option(help="Share of samples with a shadow.")] = 0.0,
    blur: Annotated[float, typer.Option(help="Share of samples blurred.")] = 0.0,
    shift_m: Annotated[float, typer.Option(help="Move the view sideways, at most, m.")] = 1.0,
    turn_deg: Annotated[float, typer.Option(help="Turn the view, at most, degrees.")] = 4.0,
    recovery_time_s: Annotated[
        float, typer.Option(help="Seconds to be back on the path from beside it.")
    ] = 0.6,
    shuffle: Annotated[str, typer.Option(help="auto, exact, blocks or none.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the split, the order and the weights.")] = 1,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Train on recordings and publish the model."""
    settings, console = read_settings(), tables.console(as_json)
    connection = settings.connect()
    arguments: dict[str, Any] = {
        "datasets": datasets or [],
        "epochs": epochs,
        "batch": batch,
        "patience": patience,
        "learning_rate": learning_rate,
        "steering_correction": options.correction(steering_correction),
        "cameras": cameras,
        "flip": flip,
        "history": history,
        "split": split,
        "validation_share": validation_share,
        "validation_gap_s": validation_gap_s,
        "label_smoothing_s": label_smoothing_s,
        "max_bin_ratio": max_bin_ratio,
        "brightness": brightness,
        "shadow": shadow,
        "blur": blur,
        "shift_m": shift_m,
        "turn_deg": turn_deg,
        "recovery_time_s": recovery_time_s,
        "shuffle": shuffle,
        "seed": seed,
    }
    label = "-".join(datasets or ["all"])
    queued = [queue.enqueue(queue.TRAIN, connection, label, arguments)]
    _finish(queued, connection, console, wait, as_json)


@app.command("import-model")
def import_model(
    file: Annotated[Path, typer.Argument(help="A model.h5 of Keras 1, 2 or 3.")],
    normalize: Annotated[
        str, typer.Option(help='What scales pixels, if no layer says so: "x/127.5-1".')
    ] = "",
    crop: Annotated[
        str, typer.Option(help="Rows cut off a picture of 320 x 160 beforehand: TOP,BOTTOM.")
    ] = "0,0",
    size: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT that the network takes, if it does not say.")
    ] = "",
    color: Annotated[str, typer.Option(help="It takes rgb, bgr, yuv or gray.")] = "rgb",
    output: Annotated[
        int | None, typer.Option(min=0, help="Which of several outputs is the steering, from 0.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call it; default: the file's.")] = None,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Publish somebody's model file; nothing in it is executed."""
    settings, console = read_settings(), tables.console(as_json)
    arguments: dict[str, Any] = {
        "name": name or file.name,
        "normalize": normalize,
        "crop": options.rows(crop),
        "size": options.size(size) if size else None,
        "color": color,
        "output": output,
    }
    connection = settings.connect()
    source, staged = uploads.model(file, settings.models, bool(settings.inbox_dir))
    arguments |= {"source": str(source), "staged": staged}
    queued = [queue.enqueue(queue.IMPORT, connection, name or file.stem, arguments)]
    _finish(queued, connection, console, wait, as_json)


def _finish(
    queued: list[str], connection: Redis, console: Console, wait: bool | None, as_json: bool
) -> None:
    """Follow queued jobs to their end, and what follows them; or say how to."""
    if not waits(wait):
        tables.queued([queue.view(each, connection) for each in queued], as_json)
        return
    results = {}
    for each in queued:
        results[each] = follow(each, connection, console)
        if not as_json:
            _tell(console, results[each])
        gate = results[each].get("gate")
        if gate is not None:
            results[gate] = follow(gate, connection, console)
            if not as_json:
                ranking.verdict(console, results[gate]["gate"])
    if as_json:
        tables.document(results)


def _tell(console: Console, result: dict[str, Any]) -> None:
    if "imports" in result:
        tables.imports(console, result["imports"])
    elif "imported" in result:
        tables.imported(console, result["imported"])
    else:
        tables.training(console, result)


@app.command("jobs")
def list_jobs(as_json: AsJson = False) -> None:
    """List the jobs: waiting, running and ended."""
    views = queue.views(read_settings().connect())
    if as_json:
        tables.document([dataclasses.asdict(each) for each in views])
    else:
        tables.jobs(tables.console(), views)


@app.command()
def cancel(job: str, as_json: AsJson = False) -> None:
    """Take a job off its queue, or stop it."""
    view = queue.cancel(job, read_settings().connect())
    if as_json:
        tables.document(dataclasses.asdict(view))
    else:
        tables.console().print(f"{view.id} {view.status}", highlight=False)


app.command()(models.models)
app.command()(models.evaluate)
app.command()(explain.explain)
app.command()(models.promote)
app.command()(models.rollback)
app.command()(dagger.dagger)
app.command()(drive.predict)
app.command()(drive.watch)
app.command()(report.report)
app.command()(local.up)
app.command()(local.demo)
app.command()(local.logs)
app.command(context_settings=local.PASSED_ON)(local.sim)
app.command(context_settings=local.PASSED_ON)(local.video)
app.command(context_settings=local.PASSED_ON)(local.doctor)
app.command(context_settings=local.PASSED_ON)(local.rerun)
app.command(context_settings=local.PASSED_ON)(local.score)
