"""Defines the simulator's commands: each reads its options, calls one module, and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract import printing
from contract.errors import SettingError
from simulator.cli import drive_many as many
from simulator.cli import output
from simulator.cli.calibrate import calibrate
from simulator.cli.gallery import gallery
from simulator.cli.output import AsJson
from simulator.cli.shared import Seed, TrackName
from simulator.cli.values import check_bridge, list_choices, load_preset, parse_speed_range
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.drivers.in_process import ExpertDriver
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import InitialState
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.recording.frame_files import list_frames
from simulator.recording.udacity_writer import is_occupied
from simulator.rendering.appearance import LIGHTS, Appearance
from simulator.track.catalog import load_track
from simulator.unity import replay as replays
from simulator.unity.client import UnityClient
from simulator.unity.connection import UnityConnection
from simulator.unity.number_format import LOCALES, find_locale

app = typer.Typer(
    help="Simulate a car with cameras on a road, without a screen. The simulator records like "
    "Udacity's simulator, and drives over the same protocol.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


BRIDGE = "ws://127.0.0.1:4567"

Light = Annotated[str, typer.Option("--light", help=f"Light of the world: {list_choices(LIGHTS)}.")]
Vary = Annotated[
    bool, typer.Option("--vary", help="Let the seed vary the sun, the brightness and the haze too.")
]
PresetFile = Annotated[
    Path | None,
    typer.Option(
        "--preset",
        readable=False,
        help="Pose of the cameras and colours of the world: a file that the command calibrate "
        "wrote. Default: Udacity's cameras and the built-in colours.",
    ),
]
Reverse = Annotated[
    bool, typer.Option("--reverse", help="Drive against the direction of the track.")
]


Bridge = Annotated[
    str,
    typer.Option(
        "--bridge",
        metavar="URL",
        envvar="LAPWING_BRIDGE_URL",
        help="Address of the bridge.",
        callback=check_bridge,
    ),
]
LocaleName = Annotated[
    str,
    typer.Option(
        "--locale",
        help="Locale of the simulated machine, in which it writes and reads numbers: one of "
        f"{len(LOCALES)} names of .NET, such as en-US, de-DE, fa-IR or hr-HR.",
    ),
]


@app.command()
def record(
    out: Annotated[
        Path, typer.Option("--out", readable=False, help="Folder of the recording, new or empty.")
    ],
    track: TrackName = "lake",
    laps: Annotated[int, typer.Option(min=1, help="Number of laps to drive.")] = 3,
    mph: Annotated[
        str,
        typer.Option(
            help="Speed in mph, such as 15, or a range from which each lap's speed is drawn, such "
            "as 12-18."
        ),
    ] = "15",
    reverse: Reverse = False,
    recoveries: Annotated[
        int,
        typer.Option(
            min=0, help="Number of times in a lap that the car drives back from the road's edge."
        ),
    ] = 0,
    weave: Annotated[
        float,
        typer.Option(
            min=0,
            help="Typical distance in metres by which the driver strays from the driving line.",
        ),
    ] = 0.15,
    line_offset: Annotated[
        float,
        typer.Option(
            min=-3,
            max=3,
            help="Distance in metres by which the driver keeps left of the driving line, or right "
            "of it if negative.",
        ),
    ] = 0.0,
    keyboard: Annotated[
        bool, typer.Option("--keyboard", help="Steer with two keys instead of a wheel.")
    ] = False,
    light: Light = "clear",
    vary: Vary = False,
    randomize: Annotated[
        bool,
        typer.Option(
            "--randomize",
            help="Let the seed draw the colours of light and surfaces, the textures, the haze and "
            "the pose of the cameras too. The recording's scene.json says what was drawn.",
        ),
    ] = False,
    preset: PresetFile = None,
    seed: Seed = 1,
    locale_name: LocaleName = "en-US",
    once: Annotated[
        bool,
        typer.Option("--once", help="Do nothing if the folder already holds a recording."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Record the expert's driving in Udacity's format.

    The recording has 15 rows a second, each with the pictures of three cameras.
    """
    if once and is_occupied(out):
        if as_json:
            printing.print_json({"recording": str(out), "rows": None})
        else:
            printing.print_line(printing.message_console(), f"{out} already exists")
        return
    config = DemonstrationConfig(
        laps=laps,
        direction=-1 if reverse else 1,
        mph=parse_speed_range(mph),
        recoveries=recoveries,
        style=DrivingStyle(weave_m=weave, line_offset_m=line_offset, keyboard=keyboard),
        seed=seed,
    )
    road, locale = load_track(track), find_locale(locale_name)
    appearance = Appearance(light, seed, vary, randomize, load_preset(preset))
    with printing.progress_bar(f"recording {road.name}") as on_progress:
        rows = record_demonstration(
            road, appearance, config, out, locale, lambda _, share: on_progress(share)
        )
    if as_json:
        printing.print_json({"recording": str(out), "rows": rows})
    else:
        printing.print_line(printing.message_console(), f"{rows:,} rows in {out}")


@app.command()
def drive(
    track: TrackName = "lake",
    laps: Annotated[float, typer.Option(min=0.01, help="Number of laps to drive.")] = 1.0,
    bridge: Bridge = BRIDGE,
    driver: Annotated[
        str,
        typer.Option(
            help="Driver: bridge, expert or straight. Expert and straight need no bridge; straight "
            "never steers."
        ),
    ] = "bridge",
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime/--lock-step",
            help="In lock-step the world waits for every answer; in real time it does not.",
        ),
    ] = False,
    delay_ms: Annotated[
        float, typer.Option(min=0, help="Milliseconds by which every answer is held back.")
    ] = 0.0,
    station: Annotated[
        float, typer.Option(help="Start of the drive in metres along the track.")
    ] = 0.0,
    offset: Annotated[
        float,
        typer.Option(
            help="Offset of the start from the driving line in metres, positive to the left."
        ),
    ] = 0.0,
    mph: Annotated[
        float, typer.Option(help="Speed in mph of the drivers expert and straight.")
    ] = 15.0,
    reverse: Reverse = False,
    light: Light = "clear",
    vary: Vary = False,
    preset: PresetFile = None,
    seed: Seed = 1,
    locale_name: LocaleName = "en-US",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", readable=False, help="Folder for drive.json, drive.png and drive.mp4."
        ),
    ] = None,
    film: Annotated[bool, typer.Option(help="Write drive.mp4 too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Drive laps over Udacity's protocol and measure them.

    The exit status is 0 if all laps were driven without an intervention, and 1 otherwise.
    """
    road = load_track(track)
    Appearance(light)  # An unknown light is refused before a bridge is connected.
    start = InitialState(station, -1 if reverse else 1, offset, 0.0, light, seed)
    config = EpisodeConfig(laps, realtime, delay_ms / 1000, vary, film, load_preset(preset))
    expert = Expert(road, DrivingStyle(mph=mph), seed)
    if driver == "bridge":
        connection: UnityConnection | ExpertDriver = UnityConnection(
            bridge, find_locale(locale_name)
        )
    elif driver in ("expert", "straight"):
        connection = ExpertDriver(expert, None if driver == "expert" else 0.0)
    else:
        raise SettingError(
            "there is no such driver", got=driver, remedy="Choose bridge, expert or straight"
        )
    with output.driving(road, laps) as on_frame:
        result = run_episode(road, start, config, connection, out, on_frame)
    connection.close()
    if as_json:
        wire = {"wire": connection.document()} if isinstance(connection, UnityConnection) else {}
        printing.print_json({**result.document(), **wire})
    else:
        output.episode(result, out, film)
    raise typer.Exit(0 if result.success else 1)


@app.command("drive-many")
def drive_many(
    starts: Annotated[int, typer.Option(min=1, help="Number of drives.")] = 20,
    track: TrackName = "lake",
    laps: Annotated[float, typer.Option(min=0.01, help="Number of laps of each drive.")] = 1.0,
    bridge: Bridge = BRIDGE,
    lights: Annotated[
        str, typer.Option(help="Lights that the drives use in turn, separated by commas.")
    ] = ",".join(LIGHTS),
    offset: Annotated[
        float,
        typer.Option(min=0, help="Largest offset of a start from the driving line in metres."),
    ] = 1.0,
    vary: Vary = False,
    preset: PresetFile = None,
    seed: Seed = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", readable=False, help="Folder for evaluation.json, and a folder for each drive."
        ),
    ] = None,
    film: Annotated[bool, typer.Option(help="Write a video of each drive.")] = False,
    as_json: AsJson = False,
) -> None:
    """Drive over a bridge from many starts and summarize the drives.

    The starts differ in place, direction and light; the seed decides them. The exit status is 0 if
    every drive succeeded, and 1 otherwise.
    """
    light_names = tuple(Appearance(light.strip()).light for light in lights.split(","))
    result = many.drive_many(
        load_track(track),
        starts,
        seed,
        offset,
        light_names,
        EpisodeConfig(laps, vary=vary, video=film, preset=load_preset(preset)),
        bridge,
        out,
        printing.message_console(as_json),
    )
    if as_json:
        printing.print_json(result.document())
    else:
        output.evaluation(result)
    raise typer.Exit(0 if result.successes == result.count else 1)


@app.command(
    "evaluate",
    hidden=True,
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def evaluate(context: typer.Context) -> None:
    """Warn that this command is now called drive-many, and run that."""
    name = context.find_root().info_name
    printing.print_line(
        printing.message_console(as_json=True),
        f"simulator: `evaluate` is now called `drive-many`, and the next release removes the old "
        f"name. Run `{name} drive-many` instead.",
    )
    app(["drive-many", *context.args], prog_name=name)


app.command()(gallery)
app.command()(calibrate)


@app.command()
def replay(
    folder: Annotated[
        Path,
        typer.Argument(readable=False, help="Folder of a recording, or any folder of JPEG files."),
    ],
    bridge: Bridge = BRIDGE,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of frames to send.")
    ] = None,
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime/--lock-step",
            help="In real time, at most 15 frames a second are sent; in lock-step, each answer is "
            "followed by the next frame at once.",
        ),
    ] = False,
    locale_name: LocaleName = "en-US",
    as_json: AsJson = False,
) -> None:
    """Send recorded frames to a bridge and measure its answers.

    The exit status is 0 if every telemetry was answered, and 1 otherwise.
    """
    frame_paths = list_frames(folder, frames)
    locale = find_locale(locale_name)
    with UnityClient(bridge, locale) as client, printing.progress_bar("replaying") as on_progress:
        result = replays.replay(
            client,
            frame_paths,
            realtime=realtime,
            on_progress=lambda count: on_progress(count / len(frame_paths)),
        )
    if as_json:
        printing.print_json(result.document())
    else:
        output.replay(result)
    raise typer.Exit(0 if result.complete else 1)
