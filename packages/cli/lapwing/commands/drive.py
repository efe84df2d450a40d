"""The commands that ask what drives: for the steering of a picture, or to be shown it live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapwing.commands.local import AsJson
from lapwing.inference_client import Inference
from lapwing.output import tables
from lapwing.output import watch as watching
from lapwing.settings import read_settings


def predict(images: list[Path], as_json: AsJson = False) -> None:
    """Ask inference for the steering of JPEG files."""
    inference = Inference(read_settings().inference, read_settings().api_token)
    answers = {str(image): inference.predict(image) for image in images}
    if as_json:
        tables.document(answers)
        return
    for image, answer in answers.items():
        tables.console().print(
            f"{image}: {answer['steering']:+.4f} ({answer['steering_angle_deg']:+.2f}°), "
            f"model version {answer['model_version']}",
            highlight=False,
            soft_wrap=True,
        )


def watch(
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Default: until Ctrl-C.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON document a line instead.")
    ] = False,
) -> None:
    """Watch the simulators that drive, live: one line each."""
    seen = watching.views(read_settings().connect(), seconds)
    if as_json:
        watching.documents(seen)
    else:
        watching.show(seen, tables.console())
