"""The command line's app, in which every command is registered.

The commands are the same for Lapwing in containers and for `lapwing up`. They talk to Redis, the
model volume and inference, and the settings say where these are.
"""

from __future__ import annotations

import importlib.metadata
from typing import Annotated

import typer

from lapwing.commands import (
    dagger,
    datasets,
    demo,
    drive,
    explain,
    import_model,
    ingest,
    jobs,
    local,
    models,
    prune,
    report,
    shadow,
    train,
)

app = typer.Typer(
    help="Teach a car to drive: train models on recordings and let them drive.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

datasets_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


def _print_version(requested: bool) -> None:
    """Print the version of Lapwing, and end."""
    if requested:
        typer.echo(f"lapwing {importlib.metadata.version('lapwing-cli')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version of Lapwing and exit.",
        ),
    ] = False,
) -> None:
    """Read the options that stand before a command."""


app.command()(ingest.ingest)
app.add_typer(datasets_app, name="datasets", callback=datasets.list_datasets)
datasets_app.command()(datasets.show)
datasets_app.command()(datasets.exclude)
datasets_app.command()(datasets.restore)
datasets_app.command()(datasets.rename)
datasets_app.command()(datasets.remove)
app.command()(train.train)
app.command("import-model")(import_model.import_model)
app.command("jobs")(jobs.list_jobs)
app.command()(jobs.cancel)
app.command()(models.models)
app.command()(models.evaluate)
app.command()(explain.explain)
app.command()(shadow.shadow)
app.command()(models.promote)
app.command()(models.rollback)
app.command()(prune.prune)
app.command()(dagger.dagger)
app.command()(drive.predict)
app.command()(drive.watch)
app.command()(report.report)
app.command()(local.up)
app.command()(demo.demo)
app.command()(local.logs)
app.command(context_settings=local.PASS_ON)(local.sim)
app.command(context_settings=local.PASS_ON)(local.video)
app.command(context_settings=local.PASS_ON)(local.doctor)
app.command(context_settings=local.PASS_ON)(local.rerun)
app.command(context_settings=local.PASS_ON)(local.score)
app.command(context_settings=local.PASS_ON)(local.export)
