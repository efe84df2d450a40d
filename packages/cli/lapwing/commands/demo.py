"""The command `demo`: it goes through the whole chain, from a recording to a model that drives.

Without a recording, the demonstration makes its own, and the model then drives the track on which
they were made. With a recording, the frames of that recording are replayed instead.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from redis import Redis

from contract import printing
from contract.errors import JobError, RecordingError, ServiceError
from contract.jobs import queue
from contract.printing import TextConsole
from contract.recordings import archive
from contract.watchdog import Watchdog
from lapwing import programs
from lapwing.inference_client import TIMEOUT_S, InferenceClient
from lapwing.jobs.follow import follow
from lapwing.options import AsJson, training_option
from lapwing.output import demo as demo_table
from lapwing.output import models, tables
from lapwing.settings import Settings, read_settings
from lapwing.stack import processes, simulator, stack

READY_TIMEOUT_S: Final = 30.0
VARIATION: Final = {"brightness": 0.4, "shadow": 0.4, "blur": 0.3}
"""Options of a training on the simulator's recordings. Real ones gained nothing by them."""


def demo(
    recording: Annotated[
        Path | None,
        typer.Argument(
            help="Recording to learn from: a folder, a zip file or a tar file. By default, the "
            "simulator records laps of the lake track."
        ),
    ] = None,
    epochs: Annotated[int, training_option("epochs", "Maximum number of training epochs.")] = 6,
    as_json: AsJson = False,
) -> None:
    """Run the whole chain once, from recording to driving.

    The demonstration records, imports, trains, publishes, serves and drives, and prints one
    table of figures. Without a recording, the model drives a lap in the simulator; the exit
    status is 1 if the car had to be put back on the road.
    """
    settings = read_settings()
    processes.require_installed("docker compose --profile demo run --rm simulator")
    console = printing.message_console(as_json)
    figures = run_demo(settings, recording, {"epochs": epochs}, console)
    if as_json:
        printing.print_json(figures)
    if not figures["drive"].get("success", True):
        raise typer.Exit(1)


def run_demo(
    settings: Settings, recording: Path | None, options: dict[str, Any], console: TextConsole
) -> dict[str, Any]:
    """Import, train, publish, serve and drive on this machine, and return all figures.

    Everything stays in one folder of the home (`demo_folder`), and no process keeps running.

    Args:
        settings: the settings; the demonstration replaces its home, Redis and ports.
        recording: the recording to learn from; None means that four laps of lake are recorded.
        options: options of the training.
        console: the console that shows the progress.

    Raises:
        LapwingError: a step failed.
    """
    if recording is not None and not recording.exists():
        raise RecordingError(
            "there is no such recording",
            got=str(recording),
            remedy="Name a folder with a driving_log.csv, or a zip or tar file of such a folder",
        )
    settings = dataclasses.replace(
        settings,
        home=settings.home / demo_folder(recording),
        redis_url="",
        inference_port=_free_port(),
        bridge_port=_free_port(),
    )
    times = StepTimes()
    console.print(f"Starting the services. Their logs are in {settings.logs}.", soft_wrap=True)
    with stack.run_services(settings, lambda name, text: None):
        connection = queue.connect(settings.redis)
        cancel_left(connection)
        if recording is None:
            with times.step("record"):
                recordings = _record(settings, console)
        else:
            recordings = [recording]
        with times.step("import"):
            imported = _import(recordings, connection, console)
        with times.step("train"):
            varied = options if recording else {**VARIATION, **options}
            trained, version = _train(imported, varied, connection, console)
        with times.step("drive"):
            printing.print_line(
                console,
                ("Drive", "bold"),
                f" Version {version} is served, and drives over the bridge.",
            )
            client = InferenceClient(settings.inference, settings.api_token)
            served = _await_version(client, version)
            drive, report = _drive(settings, recording)
    figures = {
        "home": str(settings.home.absolute()),
        "imports": imported,
        "training": trained,
        "model": served,
        "drive": drive,
        "report": report,
        "seconds": times.seconds,
    }
    demo_table.print_demo(console, figures, _program())
    return figures


def cancel_left(connection: Redis) -> None:
    """Cancel the jobs that an interrupted demonstration has left in the queues of this home.

    They would be run before those of this demonstration: its training would wait for an older one.
    """
    for job in queue.views(connection):
        if job.status not in queue.ENDED:
            with contextlib.suppress(JobError):  # It ended meanwhile, or its worker was killed.
                queue.cancel(job.id, connection)


class StepTimes:
    """Measures how long the steps of the demonstration take."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        """Seconds of each finished step by its name, in their order."""

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the `with` block as one step."""
        began_s = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began_s, 1)


def demo_folder(recording: Path | None) -> str:
    """Return the name of the demonstration's folder in the home.

    Each recording has a folder of its own, so that the first model trained on it becomes current.
    In the folder of another demonstration it would only be a candidate.
    """
    if recording is None:
        return "demo"
    word = re.sub(r"[^a-z0-9]+", "-", recording.resolve().name.lower()).strip("-")[:40]
    return f"demo-{word or 'recording'}"


def _record(settings: Settings, console: TextConsole) -> list[Path]:
    """Record laps to learn from, unless an earlier demonstration recorded them."""
    folder = settings.home / "recordings"
    printing.print_line(
        console,
        ("Record", "bold"),
        f" The expert drives lake both ways round, in four lights, into {folder}.",
    )
    return simulator.record_laps(settings, folder)


def _import(
    recordings: Sequence[Path], connection: Redis, console: TextConsole
) -> list[dict[str, Any]]:
    """Import the recordings, and return the result of each.

    All jobs are queued at once, so that ingest goes from one to the next without waiting.
    """
    printing.print_line(console, ("Import", "bold"), f" {', '.join(map(str, recordings))}")
    job_ids = [
        queue.enqueue(queue.INGEST, connection, source.name, {"source": str(source.absolute())})
        for source in recordings
    ]
    imported: list[dict[str, Any]] = []
    for job_id in job_ids:
        result = follow(job_id, connection, console)
        for failed in result["failed"]:
            raise RecordingError(f"{failed['recording']} was not imported: {failed['error']}")
        imported += result["imports"]
    tables.print_imports(console, imported)
    return imported


def _train(
    imported: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    connection: Redis,
    console: TextConsole,
) -> tuple[dict[str, Any], int]:
    """Train on what was imported; return the result, and the version that drives after its gate."""
    printing.print_line(
        console, ("Train", "bold"), " (the first step takes some 10 s to load TensorFlow)"
    )
    datasets = [result["dataset"] for result in imported]
    arguments = {"datasets": datasets, **options}
    trained = follow(
        queue.enqueue(queue.TRAIN, connection, datasets[0], arguments), connection, console
    )
    version = int(trained["version"])
    if trained["gate"]:  # The first model has no gate: there is nothing to compare it with.
        printing.print_line(
            console, ("Gate", "bold"), " The new version is compared with the current one."
        )
        gate = follow(trained["gate"], connection, console)["gate"]
        models.print_gate(console, gate)
        version = version if gate["accepted"] else int(gate["against"])
    return trained, version


def _drive(settings: Settings, recording: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Let the served model drive, or answer a recording; return the figures, and files of them."""
    if recording is None:
        out = settings.home / "drive"
        drive = simulator.drive_lap(settings, out, laps=1)
        return drive, [str(out / f"drive.{suffix}") for suffix in ("mp4", "png", "json")]
    with _as_folder(recording) as folder:
        return _replay(settings, folder), []


def _program() -> str:
    """Return how a person starts the command line here: `make demo` needs no active environment."""
    if shutil.which("lapwing"):
        return "lapwing"
    program = Path(sys.executable).with_name("lapwing")
    if not os.access(program, os.X_OK):
        return "lapwing"
    here = Path.cwd()
    return shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))


def _free_port() -> int:
    """Return a free port, so that the demonstration does not disturb a running Lapwing."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await_version(client: InferenceClient, version: int) -> dict[str, Any]:
    """Wait until inference serves a version, and return what it reports about the version."""
    patience = Watchdog(READY_TIMEOUT_S, 2 * TIMEOUT_S)
    while True:
        try:
            model = client.model()
            if model["version"] == version:
                return model
            state = f"version {model['version']}, refused: {model['refused']}"
        except ServiceError as error:  # The service may still be starting.
            state = str(error)
        patience.look()
        if patience.is_expired:
            raise ServiceError(
                f"inference does not serve model version {version}",
                got=state,
                remedy="Its log, in the folder named above, may tell more",
            )
        time.sleep(0.1)


@contextlib.contextmanager
def _as_folder(recording: Path) -> Iterator[Path]:
    """Yield the recording as a folder: itself, or its archive's content in a temporary folder."""
    if recording.is_dir():
        yield recording
        return
    with (
        tempfile.TemporaryDirectory() as scratch,
        archive.open_recordings(recording, Path(scratch)) as recordings,
    ):
        yield recordings[0].log.parent


def _replay(settings: Settings, folder: Path) -> dict[str, Any]:
    """Send the frames of a recording to the bridge, and return the figures of the answers."""
    arguments = ["replay", str(folder), "--bridge", settings.bridge, "--json"]
    completed = subprocess.run(
        programs.command_line(programs.SIMULATOR, arguments),
        env=programs.environment(settings, "lapwing sim"),
        capture_output=True,
        text=True,
        check=False,
    )
    if not completed.stdout:
        raise ServiceError(
            "the replay failed",
            got=completed.stderr.strip(),
            remedy=f"The logs in {settings.logs} may tell more",
        )
    result: dict[str, Any] = json.loads(completed.stdout)
    return result
