"""Measures what the bridge adds to an answer: `make bench-bridge`.

Simulators that speak as Unity's does, each in a process of its own, send telemetry to the bridge.
In the same run the same pictures are sent to /predict directly. Each simulator has one telemetry in
flight, as the real client has once the bridge has merged its two loops.

The simulators send as the real client does: in fragments, with Nagle's algorithm on, so a round
trip is the one of a user. The rows of whole messages are those of a client that sends each message
at once; they compare with figures of before the simulators sent fragments. The row of ten locales
also counts the commands that are not what /predict returned for the same picture.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import urllib3

from bench import output, recordings
from bench.serving import services
from bench.serving.round_trip import await_page

PORT = 18124
BRIDGE = f"ws://127.0.0.1:{PORT}"
SECONDS = 10.0
WHOLE = "--whole-messages"
WARM = 10
"""Number of answers that are not counted: the bridge delays the first ones to look for a second
loop."""
LOCALES = (
    *("en-US", "de-DE", "fr-FR", "de-CH", "hi-IN"),
    *("ar-EG", "fa-IR", "hr-HR", "km-KH", "pa-Arab-PK"),
)
"""Locales of the drive of ten; those of the second line write negative numbers in other ways."""
TOLERANCE = 1e-3
"""Largest difference of a command from what /predict returned."""


def pictures(frames: Path) -> list[bytes]:
    """Return the JPEGs that every simulator sends, in their order."""
    return [path.read_bytes() for path in sorted(frames.glob("center*.jpg"))[:200]]


def predictions(jpegs: list[bytes]) -> list[float]:
    """Return what /predict returns for each picture."""
    pool = urllib3.PoolManager(retries=False)
    return [
        pool.request("POST", services.URL + "/predict", body=jpeg, headers=services.KIND).json()[
            "steering"
        ]
        for jpeg in jpegs
    ]


def drive(options: argparse.Namespace) -> dict[str, Any]:
    """Drive as one simulator; return its round trips in ms, and the lost and the wrong answers."""
    from simulator.unity.client import UnityClient
    from simulator.unity.number_format import find_locale

    jpegs, expected = pictures(options.client), json.loads(options.expected.read_text())
    taken_ms: list[float] = []
    unanswered = wrong = 0
    steering, throttle = 0.0, 0.1
    with UnityClient(
        BRIDGE, find_locale(options.locale), whole_messages=options.whole_messages
    ) as client:
        began = due = time.perf_counter()
        while (asked := time.perf_counter()) - began < SECONDS:
            number = len(taken_ms) % len(jpegs)
            client.send_telemetry(steering, throttle, 9.0, jpegs[number])
            command = client.command()
            taken_ms.append((time.perf_counter() - asked) * 1000)
            if command is None:
                unanswered += 1
            else:
                steering, throttle = command.steering, command.throttle
                wrong += abs(steering - expected[number]) > TOLERANCE
            if options.rate:
                due = max(due + 1 / options.rate, time.perf_counter())
                time.sleep(max(0.0, due - time.perf_counter()))
    return {
        "taken_ms": taken_ms[WARM:],
        "unanswered": unanswered,
        "wrong": wrong,
        "seconds": time.perf_counter() - began,
    }


def simulators(locales: Sequence[str], frames: Path, expected: Path, *words: str) -> dict[str, Any]:
    """Drive as one simulator of each locale at once; return their figures together."""
    client = [sys.executable, "-m", "bench.serving.bridge", "--client", str(frames)]
    running = [
        subprocess.Popen(
            [*client, "--expected", str(expected), "--locale", locale, *words],
            cwd=recordings.ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for locale in locales
    ]
    documents = [json.loads(each.communicate()[0]) for each in running]
    taken = sorted(value for each in documents for value in each["taken_ms"])
    return {
        "p50_ms": taken[len(taken) // 2],
        "p99_ms": taken[int(0.99 * len(taken))],
        "most_ms": taken[-1],
        "goodput": sum(len(each["taken_ms"]) / each["seconds"] for each in documents),
        "unanswered": sum(each["unanswered"] for each in documents),
        "wrong": sum(each["wrong"] for each in documents),
    }


def main(options: argparse.Namespace) -> int:
    """Measure, and show the figures."""
    recording = recordings.chosen()
    console = output.console(options)
    rows: list[output.Row] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environ = {
            "LAPWING_DATA_DIR": f"{folder}/data",
            "LAPWING_MODEL_DIR": f"{folder}/models",
            "LAPWING_INFERENCE_PORT": str(services.PORT),
            "LAPWING_INFERENCE_URL": services.URL,
            "LAPWING_BRIDGE_PORT": str(PORT),
        }
        console.print("one epoch of training, for a model to serve …")
        services.run("bench.serving.trained_model", str(recording), environ=environ)
        stack.enter_context(services.ready("inference", recording=recording, environ=environ))
        stack.enter_context(services.process("driver_bridge", environ=environ))
        await_page(f"http://127.0.0.1:{PORT}/healthz")
        expected = Path(folder) / "expected.json"
        expected.write_text(json.dumps(predictions(pictures(recording / "IMG"))))
        for _ in range(2):  # twice in turn, to see how much of it is the machine
            direct = services.load(recording, 1, SECONDS)
            rows.append(_row("/predict, one client", direct))
            for name, locales, *words in (
                ("one simulator, unthrottled", LOCALES[:1]),
                ("one simulator, unthrottled, whole messages", LOCALES[:1], WHOLE),
                ("8 simulators, 20 Hz each", LOCALES[:1] * 8, "--rate=20"),
                ("8 simulators, 20 Hz each, whole messages", LOCALES[:1] * 8, "--rate=20", WHOLE),
                ("10 locales at once, 10 Hz each", LOCALES, "--rate=10"),
            ):
                figures = simulators(locales, recording / "IMG", expected, *words)
                rows.append(_row(name, figures))
    title = "What the bridge adds to an answer"
    output.finish(
        output.Result("bridge", title, "make bench-bridge", recording.name, rows), options
    )
    return 0


def _row(name: str, figures: dict[str, Any]) -> output.Row:
    return {
        "what": name,
        "p50 ms": figures["p50_ms"],
        "p99 ms": figures["p99_ms"],
        "longest ms": figures.get("most_ms"),
        "answers/s": figures["goodput"],
        "unanswered": figures.get("unanswered"),
        "not as /predict": figures.get("wrong"),
    }


if __name__ == "__main__":
    parser = output.arguments(__doc__)
    parser.add_argument("--client", type=Path, help="drive as one simulator with these frames")
    parser.add_argument("--rate", type=float, help="send this number of telemetries a second")
    parser.add_argument("--expected", type=Path, help="file of what /predict returns for them")
    parser.add_argument("--locale", help="locale of the simulator")
    parser.add_argument(WHOLE, action="store_true", help="send each message in one frame, at once")
    arguments = parser.parse_args()
    if arguments.client is None:
        sys.exit(main(arguments))
    print(json.dumps(drive(arguments)))
