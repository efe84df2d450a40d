"""The simulator's commands; each reads its options, and asks the one module that does it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contract.errors import SettingError
from simulator.cli import evaluate as evaluating
from simulator.cli import output
from simulator.cli.options import span
from simulator.drivers.expert import Expert, Manner
from simulator.drivers.in_process import Local
from simulator.episode.episode import Terms, run
from simulator.episode.initial_state import Start
from simulator.recording.demonstrations import Lesson
from simulator.recording.demonstrations import record as record_lesson
from simulator.recording.udacity_writer import exists
from simulator.rendering.appearance import LIGHTS, Look
from simulator.track.catalog import track_of
from simulator.unity.client import Client
from simulator.unity.connection import Wire
from simulator.unity.number_format import LOCALES, locale
from simulator.unity.replay import frames as recorded_frames
from simulator.unity.replay import replay as replay_frames
from simulator.viz.contact_sheet import gallery as contact_sheet
from simulator.viz.frames_to_video import video as film_of
from simulator.viz.track_plot import write_png

app = typer.Typer(
    help="A car, a road and a camera without a screen: records like Udacity's simulator, and "
    "drives like it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

BRIDGE = "ws://127.0.0.1:4567"

TrackName = Annotated[str, typer.Option("--track", help="lake, jungle, or a CSV file of points.")]
Light = Annotated[str, typer.Option("--light", help=", ".join(LIGHTS))]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of everything that is drawn.")]
Vary = Annotated[bool, typer.Option("--vary", help="Let the seed vary the world's look as well.")]
Reverse = Annotated[bool, typer.Option("--reverse", help="Against the track's direction.")]
Bridge = Annotated[
    str,
    typer.Option("--bridge", metavar="URL", envvar="LAPWING_BRIDGE_URL", help="Who drives."),
]
LocaleName = Annotated[str, typer.Option("--locale", help=", ".join(LOCALES))]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


@app.command()
def record(
    out: Annotated[Path, typer.Option("--out", help="Folder for the recording; new or empty.")],
    track: TrackName = "lake",
    laps: Annotated[int, typer.Option(min=1)] = 3,
    mph: Annotated[str, typer.Option(help="A speed, or a range to draw each lap's from.")] = "15",
    reverse: Reverse = False,
    recoveries: Annotated[int, typer.Option(min=0, help="Ways back from the edge, a lap.")] = 0,
    weave: Annotated[float, typer.Option(min=0, help="How far the driver strays, m.")] = 0.15,
    keyboard: Annotated[bool, typer.Option("--keyboard", help="Steer with two keys.")] = False,
    light: Light = "clear",
    vary: Vary = False,
    seed: Seed = 1,
    locale_name: LocaleName = "en-US",
    once: Annotated[
        bool, typer.Option("--once", help="Leave a recording alone that is there already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Record the expert's driving in Udacity's format, 15 rows a second."""
    if once and exists(out):
        if as_json:
            output.document({"recording": str(out), "rows": None})
        else:
            Console().print(f"{out} is there already", highlight=False, soft_wrap=True)
        return
    lesson = Lesson(
        laps=laps,
        direction=-1 if reverse else 1,
        mph=span(mph),
        recoveries=recoveries,
        manner=Manner(weave_m=weave, keyboard=keyboard),
        seed=seed,
    )
    road, look, written = track_of(track), Look(light, seed, vary), locale(locale_name)
    with output.progress(f"recording {road.name}") as told:
        rows = record_lesson(road, look, lesson, out, written, lambda _, share: told(share))
    if as_json:
        output.document({"recording": str(out), "rows": rows})
    else:
        Console().print(f"{rows:,} rows in {out}", highlight=False, soft_wrap=True)


@app.command()
def drive(
    track: TrackName = "lake",
    laps: Annotated[float, typer.Option(min=0.01)] = 1.0,
    bridge: Bridge = BRIDGE,
    driver: Annotated[
        str, typer.Option(help="bridge; or expert or straight, who need none.")
    ] = "bridge",
    realtime: Annotated[
        bool, typer.Option("--realtime/--lock-step", help="Whether the world waits for answers.")
    ] = False,
    delay_ms: Annotated[float, typer.Option(min=0, help="Hold every answer back.")] = 0.0,
    station: Annotated[float, typer.Option(help="Where to start, m along the track.")] = 0.0,
    offset: Annotated[float, typer.Option(help="From the lane, m, positive left.")] = 0.0,
    mph: Annotated[float, typer.Option(help="Of the drivers who need no bridge.")] = 15.0,
    reverse: Reverse = False,
    light: Light = "clear",
    vary: Vary = False,
    seed: Seed = 1,
    locale_name: LocaleName = "en-US",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for drive.json, .png and .mp4.")
    ] = None,
    film: Annotated[bool, typer.Option(help="Make drive.mp4.")] = True,
    as_json: AsJson = False,
) -> None:
    """Drive laps over the simulator's own wire, and judge them; exit 1 unless it succeeded."""
    road = track_of(track)
    Look(light)  # refused before a bridge is dialled
    start = Start(station, -1 if reverse else 1, offset, 0.0, light, seed)
    terms = Terms(laps, realtime, delay_ms / 1000, vary, film)
    expert = Expert(road, Manner(mph=mph), seed)
    if driver == "bridge":
        drives: Wire | Local = Wire(bridge, locale(locale_name))
    elif driver in ("expert", "straight"):
        drives = Local(expert, None if driver == "expert" else 0.0)
    else:
        raise SettingError("no such driver", got=driver, remedy="bridge, expert or straight")
    with output.driving(road, laps) as told:
        result = run(road, start, terms, drives, out, told)
    drives.close()
    if as_json:
        wire = {"wire": drives.document()} if isinstance(drives, Wire) else {}
        output.document({**result.document(), **wire})
    else:
        output.outcome(result, out, film)
    raise typer.Exit(0 if result.success else 1)


@app.command()
def evaluate(
    starts: Annotated[int, typer.Option(min=1, help="Drives.")] = 20,
    track: TrackName = "lake",
    laps: Annotated[float, typer.Option(min=0.01)] = 1.0,
    bridge: Bridge = BRIDGE,
    lights: Annotated[str, typer.Option(help="Separated by commas; they take turns.")] = ",".join(
        LIGHTS
    ),
    offset: Annotated[float, typer.Option(min=0, help="Of the starts, at most, m.")] = 1.0,
    vary: Vary = False,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Folder; one more a drive.")] = None,
    film: Annotated[bool, typer.Option(help="Film each drive.")] = False,
    as_json: AsJson = False,
) -> None:
    """Drive from many seeded starts; exit 1 unless every drive succeeded."""
    chosen = tuple(Look(light.strip()).light for light in lights.split(","))
    result = evaluating.evaluate(
        track_of(track),
        starts,
        seed,
        offset,
        chosen,
        Terms(laps, vary=vary, film=film),
        bridge,
        out,
        output.console(as_json),
    )
    if as_json:
        output.document(result.document())
    else:
        output.evaluation(result)
    raise typer.Exit(0 if result.successes == result.count else 1)


@app.command()
def gallery(
    track: TrackName = "lake",
    beside: Annotated[
        list[Path] | None, typer.Option("--beside", help="A recording to compare with; repeatable.")
    ] = None,
    seed: Seed = 1,
    out: Annotated[Path, typer.Option("--out", help="The picture, .png.")] = Path("gallery.png"),
    as_json: AsJson = False,
) -> None:
    """Show a track in every light on one sheet, beside frames of real recordings."""
    if out.suffix != ".png":
        raise SettingError("the sheet is a .png", got=out, remedy="Name it so: --out gallery.png")
    sheet = contact_sheet(track_of(track), seed, beside or [])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_png(out, sheet)
    if as_json:
        output.document({"gallery": str(out)})
    else:
        Console().print(f"{out}: {sheet.shape[1]} x {sheet.shape[0]} pixels", highlight=False)


@app.command()
def video(
    folder: Annotated[Path, typer.Argument(help="A recording, or a folder of JPEGs.")],
    fps: Annotated[int, typer.Option("--fps", min=1, max=240, help="Pictures a second.")] = 60,
    out: Annotated[Path | None, typer.Option("--out", help="Default: FOLDER.mp4.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a film of a drive that was recorded: H.264 in MP4."""
    pictures = recorded_frames(folder, None)
    path = out or folder.resolve().with_name(folder.resolve().name + ".mp4")
    with output.progress("filming") as told:
        made = film_of(pictures, path, fps, told)
    if as_json:
        output.document(
            {
                "video": str(made.path),
                "pictures": made.pictures,
                "left_out": made.left_out,
                "seconds": made.seconds,
            }
        )
    else:
        output.video(made)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="A recording, or a folder of JPEGs.")],
    bridge: Bridge = BRIDGE,
    frames: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime/--lock-step", help="15 frames a second at most.")
    ] = False,
    locale_name: LocaleName = "en-US",
    as_json: AsJson = False,
) -> None:
    """Drive a bridge with recorded frames; exit 1 unless every telemetry was answered."""
    pictures = recorded_frames(folder, frames)
    with Client(bridge, locale(locale_name)) as client, output.progress("replaying") as told:
        result = replay_frames(
            client, pictures, realtime=realtime, told=lambda count: told(count / len(pictures))
        )
    if as_json:
        output.document(result.document())
    else:
        output.replay(result)
    raise typer.Exit(0 if result.complete else 1)
