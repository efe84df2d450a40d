"""Run the simulator's side of the wire: `python -m simulator replay FOLDER`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from contract.errors import LapwingError
from simulator.dialect import Client
from simulator.numbers import LOCALES, locale
from simulator.replay import Drive, frames, replay


def main() -> int | str:
    """Drive a bridge with recorded frames; return what sys.exit takes."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "replay",
        help="drive a bridge with a recording's frames",
        description="Connects to a bridge as Udacity's simulator does, sends it a recording's "
        "frames, and measures its answers.",
    )
    command.add_argument("folder", type=Path, help="a recording, or a folder of JPEGs")
    command.add_argument("--bridge", default="ws://127.0.0.1:4567", metavar="URL")
    command.add_argument("--frames", type=int, metavar="N", help="at most so many; default: all")
    command.add_argument("--locale", default="en-US", help=f"one of {', '.join(LOCALES)}")
    command.add_argument("--realtime", action="store_true", help="15 frames a second at most")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    try:
        pictures = frames(arguments.folder, arguments.frames)
        with Client(arguments.bridge, locale(arguments.locale)) as client:
            drive = replay(client, pictures, realtime=arguments.realtime)
    except LapwingError as error:
        return f"simulator: {error}"
    except KeyboardInterrupt:
        return 130
    text = json.dumps(drive.document(), indent=2) if arguments.json else _text(drive)
    sys.stdout.write(text + "\n")
    return 0 if drive.answered == drive.telemetries else 1


def _text(drive: Drive) -> str:
    return (
        f"{drive.answered} of {drive.telemetries} telemetries answered in {drive.seconds:.1f} s: "
        f"{drive.answers_per_s:.0f} a second, round trip p50 {drive.p50_ms:.1f} ms, "
        f"p99 {drive.p99_ms:.1f} ms\n"
        f"steering {drive.steering_min:+.3f} .. {drive.steering_max:+.3f}, mean "
        f"{drive.steering_mean:+.3f}; {drive.speed_mph:.1f} mph at the end"
    )


if __name__ == "__main__":
    sys.exit(main())
