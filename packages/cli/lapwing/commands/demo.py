"""The command `demo`: it goes through the whole chain, from a recording to a model that drives.

Without a recording, the demonstration makes its own, and the model then drives the track on which
they were made. With a recording, the frames of that recording are replayed instead.
"""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich import box

from contract import printing
from contract.errors import RecordingError, ServiceError
from contract.jobs import queue
from contract.printing import TextConsole
from contract.recordings import archive
from contract.watchdog import Watchdog
from lapwing import programs
from lapwing.inference_client import TIMEOUT_S, InferenceClient
from lapwing.jobs.follow import follow
from lapwing.options import AsJson, training_option
from lapwing.output import models, tables
from lapwing.settings import Settings, read_settings
from lapwing.stack import processes, simulator, stack

READY_TIMEOUT_S: Final = 30.0


def demo(
    recording: Annotated[
        Path | None,
        typer.Argument(
            help="Recording to learn from: a folder, a zip file or a tar file. By default, the "
            "simulator records laps of the lake track."
        ),
    ] = None,
    epochs: Annotated[int, training_option("epochs", "Maximum number of training epochs.")] = 8,
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
        recording: the recording to learn from; None means that two laps of lake are recorded.
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
    console.print(f"Starting the services. Their logs are in {settings.logs}.", soft_wrap=True)
    with stack.run_services(settings, lambda name, text: None):
        connection = queue.connect(settings.redis)
        recordings = [recording] if recording else _record(settings, console)
        printing.print_line(console, ("Import", "bold"), f" {', '.join(map(str, recordings))}")
        imported = []
        for source in recordings:
            arguments: dict[str, Any] = {"source": str(source.absolute())}
            job_id = queue.enqueue(queue.INGEST, connection, source.name, arguments)
            result = follow(job_id, connection, console)
            for failed in result["failed"]:
                raise RecordingError(f"{failed['recording']} was not imported: {failed['error']}")
            imported += result["imports"]
        tables.print_imports(console, imported)
        printing.print_line(
            console, ("Train", "bold"), " (the first step takes some 10 s to load TensorFlow)"
        )
        datasets = [result["dataset"] for result in imported]
        arguments = {"datasets": datasets, **options}
        job_id = queue.enqueue(queue.TRAIN, connection, recordings[0].name, arguments)
        trained = follow(job_id, connection, console)
        version = int(trained["version"])
        if trained["gate"]:  # The first model has no gate: there is nothing to compare it with.
            printing.print_line(
                console, ("Gate", "bold"), " The new version is compared with the current one."
            )
            gate = follow(trained["gate"], connection, console)["gate"]
            models.print_gate(console, gate)
            version = version if gate["accepted"] else int(gate["against"])
        printing.print_line(
            console, ("Drive", "bold"), f" Version {version} is served, and drives over the bridge."
        )
        client = InferenceClient(settings.inference, settings.api_token)
        served = _await_version(client, version)
        figures = {"imports": imported, "training": trained, "model": served}
        if recording:
            with _as_folder(recording) as folder:
                figures["drive"] = _replay(settings, folder)
        else:
            out = settings.home / "drive"
            figures["drive"] = simulator.drive_lap(settings, out, laps=1)
            figures["report"] = [str(out / f"drive.{suffix}") for suffix in ("mp4", "png", "json")]
    print_figures(console, figures)
    return figures


def demo_folder(recording: Path | None) -> str:
    """Return the name of the demonstration's folder in the home.

    Each recording has a folder of its own, so that the first model trained on it becomes current.
    In the folder of another demonstration it would only be a candidate.
    """
    if recording is None:
        return "demo"
    word = re.sub(r"[^a-z0-9]+", "-", recording.resolve().name.lower()).strip("-")[:40]
    return f"demo-{word or 'recording'}"


def print_figures(console: TextConsole, figures: dict[str, Any]) -> None:
    """Print the table with the figures of the whole demonstration."""
    imports, training, drive = figures["imports"], figures["training"], figures["drive"]
    metrics = training["metrics"]
    accepted, rejected = (sum(result[name] for result in imports) for name in ("rows", "rejected"))
    rows = [
        ("rows imported / rejected", f"{accepted:,} / {rejected:,}"),
        ("training samples", f"{metrics['train_samples']:,.0f}"),
        (
            "rows for training / validation",
            f"{metrics['train_rows']:,.0f} / {metrics['validation_rows']:,.0f}",
        ),
        ("epochs", f"{metrics['epochs']:.0f}, best {metrics['best_epoch']:.0f}"),
        ("MSE of the model, training / validation", tables.format_model_mse(metrics)),
        ("MSE of predict-zero / hold-last", tables.format_baseline_mse(metrics)),
        ("correlation with the driver", tables.format_correlation(metrics)),
        (
            "model version: trained / driving",
            f"{training['version']} / {figures['model']['version']}",
        ),
        *((f"sha256 of {name}", digest) for name, digest in training["sha256"].items()),
        *(_replay_rows(drive) if "answered" in drive else _drive_rows(drive)),
    ]
    rows += [("file", path) for path in figures.get("report", ())]
    table = printing.name_value_table()
    table.box = box.HEAVY_HEAD
    table.title = "Lapwing"
    table.caption = "The baselines and the correlation are those of the validation rows."
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)


def _replay_rows(drive: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            "telemetries answered",
            f"{drive['answered'] + drive['folded']:,} of {drive['telemetries']:,}; "
            f"{drive['folded']} shared an answer with a later one",
        ),
        *_round_trip_rows(drive),
    ]


def _round_trip_rows(drive: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("telemetries answered per second", f"{drive['answers_per_s']:.0f}"),
        ("round trip p50 / p99", f"{drive['p50_ms']:.1f} / {drive['p99_ms']:.1f} ms"),
    ]


def _drive_rows(drive: dict[str, Any]) -> list[tuple[str, str]]:
    metrics = drive["metrics"]
    lateral = [f"{metrics[f'lateral_{name}_m']:.2f}" for name in ("mae", "rmse", "max")]
    return [
        ("telemetries answered", f"{drive['wire']['answered']:,}"),
        *_round_trip_rows(drive["wire"]),
        (
            "laps",
            f"{drive['laps_done']} of {drive['laps']:g} on {drive['track']}, "
            f"{drive['distance_m']:,.0f} m in {drive['elapsed_s']:.0f} s",
        ),
        ("interventions", str(len(drive["interventions"]))),
        ("autonomy", f"{metrics['autonomy_percent']:.1f} %"),
        ("lateral error: mean / RMS / largest", f"{' / '.join(lateral)} m"),
        ("time with a wheel off the road", f"{100 * metrics['off_road_share']:.1f} %"),
        ("whiteness of the steering", f"{metrics['whiteness_per_s']:.2f} /s"),
    ]


def _record(settings: Settings, console: TextConsole) -> list[Path]:
    """Record laps to learn from, unless an earlier demonstration recorded them."""
    folder = settings.home / "recordings"
    printing.print_line(
        console,
        ("Record", "bold"),
        f" The expert drives laps of lake both ways round, into {folder}.",
    )
    return simulator.record_laps(settings, folder)


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


@contextmanager
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
