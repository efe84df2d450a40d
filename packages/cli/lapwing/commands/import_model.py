"""The command `import-model`: it has a Keras model file of another program published."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from contract.frames.spec import COLORS, INTERPOLATIONS
from contract.jobs import queue
from lapwing.jobs import uploads
from lapwing.jobs.follow import finish
from lapwing.options import AsJson, Wait, parse_crop, parse_size
from lapwing.settings import read_settings


def import_model(
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="Model file of Keras 1, 2 or 3: an .h5 or .keras file, or the model.json of a "
            "model whose weights are in a file of their own.",
        ),
    ],
    normalize: Annotated[
        str,
        typer.Option(
            metavar="FORMULA",
            help='Formula that scales the pixels x, such as "x/127.5-1". It is needed only if '
            "no layer of the network scales them, or if a Lambda does so with values that are not "
            "in the file.",
        ),
    ] = "",
    crop: Annotated[
        str,
        typer.Option(
            metavar="TOP,BOTTOM",
            help="Rows to cut off at the top and at the bottom of the 320 x 160 image before "
            "the network gets it.",
        ),
    ] = "0,0",
    size: Annotated[
        str,
        typer.Option(
            metavar="WIDTHxHEIGHT",
            help="Size of the image that the network takes, in pixels. It is needed only if "
            "the file does not say it.",
        ),
    ] = "",
    color: Annotated[
        str,
        typer.Option(
            metavar="SPACE",
            help=f"Color space of the image that the network takes: {', '.join(COLORS)}.",
        ),
    ] = "rgb",
    interpolation: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="How the image was resized to the network's size, after the crop: "
            f"{', '.join(INTERPOLATIONS)}. The first five are OpenCV's, which resizes linearly if "
            "its caller does not say how. The others are Pillow's.",
        ),
    ] = "linear",
    output: Annotated[
        int | None,
        typer.Option(
            metavar="X",
            min=0,
            help="Number of the output that is the steering, counted from 0. It is needed only "
            "if the network has several outputs.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            readable=False,
            help="File of the weights that belong to a model.json. By default, it is the .h5 file "
            "of the same name beside it.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the model. By default, it is the name of the file."
        ),
    ] = None,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Publish a Keras model file that another program made.

    The file is read as data. No code in it is executed.
    """
    settings = read_settings()
    arguments: dict[str, Any] = {
        "name": name or file.name,
        "normalize": normalize,
        "crop": parse_crop(crop),
        "size": parse_size(size) if size else None,
        "color": color,
        "interpolation": interpolation,
        "output": output,
    }
    if weights is None and file.suffix.lower() == ".json" and file.is_file():
        weights = uploads.find_weights(file)
    connection = settings.connect()
    copied = bool(settings.inbox_dir)
    files = [file] if weights is None else [file, weights]
    with ExitStack() as held:
        source, *others = uploads.stage_model(files, settings.models, copied, held)
        arguments |= {"source": str(source), "staged": copied}
        if others:
            arguments["weights"] = str(others[0])
        job_id = queue.enqueue(queue.IMPORT, connection, name or file.stem, arguments)
    finish([job_id], connection, wait, as_json)
