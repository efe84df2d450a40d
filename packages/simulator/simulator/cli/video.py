"""Makes a video of a folder of frames: `python -m simulator.cli.video`, or `lapwing video`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract import printing
from simulator.cli import output
from simulator.recording.frame_files import list_frames
from simulator.viz.frames_to_video import encode_frames


def video(
    folder: Annotated[
        Path,
        typer.Argument(readable=False, help="Folder of a recording, or any folder of JPEG files."),
    ],
    fps: Annotated[
        int,
        typer.Option(
            "--fps", min=1, max=240, help="Number of pictures that are shown in a second."
        ),
    ] = 60,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="File to write, .mp4. The default is FOLDER.mp4, next to the folder."
        ),
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """Make a video of a recorded drive: H.264 in an MP4 file."""
    frame_paths = list_frames(folder, None)
    path = out or folder.resolve().with_name(folder.resolve().name + ".mp4")
    with printing.progress_bar("making the video") as on_progress:
        summary = encode_frames(frame_paths, path, fps, on_progress)
    if as_json:
        printing.print_json(
            {
                "video": str(summary.path),
                "pictures": summary.pictures,
                "left_out": summary.left_out,
                "seconds": summary.seconds,
            }
        )
    else:
        output.video(summary)


def main() -> None:
    """Run the command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(video)
    output.run_app(app, "python -m simulator.cli.video")


if __name__ == "__main__":
    main()
