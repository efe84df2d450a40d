"""Measures what the bridge adds to an answer: `make bench-bridge`.

Simulators that speak as Unity's does, each in a process of its own, send telemetry to the bridge.
In the same run the same pictures are sent to /predict directly. Each simulator has one telemetry in
flight, as the real client has once the bridge has merged its two loops.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import output, recordings
from bench.serving import services
from bench.serving.round_trip import await_page

PORT = 18124
BRIDGE = f"ws://127.0.0.1:{PORT}"
SECONDS = 10.0
WARM = 10
"""Number of answers that are not counted: the bridge delays the first ones to look for a second
loop."""


def drive(url: str, frames: Path, seconds: float, rate: float | None) -> dict[str, Any]:
    """Drive as one simulator; return its round trips in ms and the number of lost answers."""
    from simulator.unity.client import UnityClient
    from simulator.unity.number_format import find_locale

    jpegs = [path.read_bytes() for path in sorted(frames.glob("center*.jpg"))[:200]]
    taken_ms: list[float] = []
    unanswered = 0
    with UnityClient(url, find_locale("en-US")) as client:
        began = due = time.perf_counter()
        while (asked := time.perf_counter()) - began < seconds:
            client.send_telemetry(0.0, 0.1, 9.0, jpegs[len(taken_ms) % len(jpegs)])
            unanswered += client.command() is None
            taken_ms.append((time.perf_counter() - asked) * 1000)
            if rate:
                due = max(due + 1 / rate, time.perf_counter())
                time.sleep(max(0.0, due - time.perf_counter()))
    return {
        "taken_ms": taken_ms[WARM:],
        "unanswered": unanswered,
        "seconds": time.perf_counter() - began,
    }


def simulators(count: int, frames: Path, rate: float | None) -> dict[str, Any]:
    """Drive as several simulators at once; return their figures together."""
    words = [sys.executable, "-m", "bench.serving.bridge", "--client", str(frames)]
    if rate:
        words += ["--rate", str(rate)]
    running = [
        subprocess.Popen(words, cwd=recordings.ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    documents = [json.loads(each.communicate()[0]) for each in running]
    taken = sorted(value for each in documents for value in each["taken_ms"])
    return {
        "p50_ms": taken[len(taken) // 2],
        "p99_ms": taken[int(0.99 * len(taken))],
        "most_ms": taken[-1],
        "goodput": sum(len(each["taken_ms"]) / each["seconds"] for each in documents),
        "unanswered": sum(each["unanswered"] for each in documents),
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
        for _ in range(2):  # twice in turn, to see how much of it is the machine
            direct = services.load(recording, 1, SECONDS)
            rows.append(_row("/predict, one client", direct))
            for name, count, rate in (
                ("one simulator, unthrottled", 1, None),
                ("8 simulators, 20 Hz each", 8, 20.0),
            ):
                rows.append(_row(name, simulators(count, recording / "IMG", rate)))
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
    }


if __name__ == "__main__":
    parser = output.arguments(__doc__)
    parser.add_argument("--client", type=Path, help="drive as one simulator with these frames")
    parser.add_argument("--rate", type=float, help="send this number of telemetries a second")
    arguments = parser.parse_args()
    if arguments.client is None:
        sys.exit(main(arguments))
    print(json.dumps(drive(BRIDGE, arguments.client, SECONDS, arguments.rate)))
