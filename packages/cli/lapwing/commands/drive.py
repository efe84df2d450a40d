"""The commands `predict` and `watch`: they show how the current model steers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract import printing
from contract.wire import live_channel
from lapwing.inference_client import InferenceClient
from lapwing.options import AsJson
from lapwing.output import watch as live
from lapwing.settings import read_settings


def predict(
    images: Annotated[list[Path], typer.Argument(readable=False, help="JPEG files to steer for.")],
    as_json: AsJson = False,
) -> None:
    """Print how the current model steers for given images."""
    settings = read_settings()
    client = InferenceClient(settings.inference, settings.api_token)
    answers = {str(image): client.predict(image) for image in images}
    if as_json:
        printing.print_json(answers)
        return
    for image, answer in answers.items():
        printing.message_console().print(
            f"{image}: {answer['steering']:+.4f} ({answer['steering_angle_deg']:+.2f}°), "
            f"model version {answer['model_version']}",
            soft_wrap=True,
        )


def watch(
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            metavar="X",
            min=0,
            help="Number of seconds after which to stop. By default, the command runs until "
            "Ctrl-C.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON document per line instead of a table."),
    ] = False,
) -> None:
    """Show live how every connected simulator is driven."""
    arrivals = live_channel.receive(read_settings().connect(reading=True), seconds)
    if as_json:
        live.print_views_as_json(arrivals)
    else:
        live.draw_views(arrivals, printing.message_console())
