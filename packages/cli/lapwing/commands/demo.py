"""The demonstration: recordings go in, a model comes out, and it drives.

Without a recording it makes its own, and the loop is closed: the model drives the track on which
they were recorded. With one, its frames are replayed.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from contract.errors import RecordingError, ServiceError
from contract.jobs import queue
from lapwing import programs
from lapwing.inference_client import Inference
from lapwing.jobs.follow import follow
from lapwing.output import models, tables
from lapwing.settings import Settings
from lapwing.stack import simulator, stack

READY_S: Final = 30.0


def run(
    settings: Settings, recording: Path | None, options: dict[str, Any], console: Console
) -> dict[str, Any]:
    """Import, train, publish, serve and drive on this machine; return all figures.

    Everything stays in one folder of the home (`home_name`), and nothing keeps running.

    Args:
        settings: of which home, Redis and ports are replaced by the demonstration's own.
        recording: to learn from; None: two laps of lake are recorded first.
        options: of the training.
        console: is told what happens.

    Raises:
        LapwingError: a step failed.
    """
    if recording is not None and not recording.exists():
        raise RecordingError("there is no such recording", got=str(recording))
    settings = dataclasses.replace(
        settings,
        home=settings.home / home_name(recording),
        redis_url="",
        inference_port=_free_port(),
        bridge_port=_free_port(),
    )
    console.print(f"Starting the services in {settings.home}; what they print is in its logs.")
    with stack.running(settings, lambda name, text: None):
        connection = queue.connect(settings.redis)
        recordings = [recording] if recording else _record(settings, console)
        console.print(f"[bold]Import[/] {', '.join(map(str, recordings))}")
        imported = []
        for each in recordings:
            arguments: dict[str, Any] = {"source": str(each.absolute())}
            queued = queue.enqueue(queue.INGEST, connection, each.name, arguments)
            imported += follow(queued, connection, console)["imports"]
        tables.imports(console, imported)
        console.print("[bold]Train[/] (the first step loads TensorFlow: some 10 s)")
        datasets = [each["dataset"] for each in imported]
        arguments = {"datasets": datasets, **options}
        queued = queue.enqueue(queue.TRAIN, connection, recordings[0].name, arguments)
        trained = follow(queued, connection, console)
        version = int(trained["version"])
        if trained["gate"]:  # not so the first time: nothing drives that it could be compared with
            console.print("[bold]Gate[/] compare it with the version that drives")
            decided = follow(trained["gate"], connection, console)["gate"]
            models.verdict(console, decided)
            version = version if decided["accepted"] else int(decided["against"])
        console.print(f"[bold]Serve and drive[/] version {version} over the simulator's wire")
        served = _await_version(Inference(settings.inference, settings.api_token), version)
        figures = {"imports": imported, "training": trained, "model": served}
        if recording:
            with _folder(recording) as folder:
                figures["drive"] = _replay(settings, folder)
        else:
            report = settings.home / "drive"
            figures["drive"] = simulator.drive(settings, report, laps=1)
            figures["report"] = [str(report / f"drive.{kind}") for kind in ("mp4", "png", "json")]
    table(console, figures)
    return figures


def home_name(recording: Path | None) -> str:
    """Return the name of the demonstration's folder in the home.

    A recording has one of its own, so that the first model that learns from it drives: beside that
    of another demonstration it would be a candidate.
    """
    if recording is None:
        return "demo"
    word = re.sub(r"[^a-z0-9]+", "-", recording.resolve().name.lower()).strip("-")[:40]
    return f"demo-{word or 'recording'}"


def table(console: Console, figures: dict[str, Any]) -> None:
    """Print the one table of the demonstration."""
    imports, training, drive = figures["imports"], figures["training"], figures["drive"]
    metrics = training["metrics"]
    accepted, rejected = (sum(each[name] for each in imports) for name in ("rows", "rejected"))
    rows = [
        ("rows imported / rejected", f"{accepted:,} / {rejected:,}"),
        ("training samples", f"{metrics['train_samples']:,.0f}"),
        (
            "rows that train / validate",
            f"{metrics['train_rows']:,.0f} / {metrics['validation_rows']:,.0f}",
        ),
        ("epochs", f"{metrics['epochs']:.0f}, best {metrics['best_epoch']:.0f}"),
        ("MSE of the model, train / validation", tables.mse(metrics)),
        ("MSE of predict-zero / hold-last", tables.baselines(metrics)),
        ("correlation with the driver", tables.correlation(metrics)),
        (
            "model version: trained / driving",
            f"{training['version']} / {figures['model']['version']}",
        ),
        *((f"sha256 of {name}", digest) for name, digest in training["sha256"].items()),
        *(_replayed(drive) if "answered" in drive else _driven(drive)),
    ]
    rows += [("kept", path) for path in figures.get("report", ())]
    shown = Table(
        title="Lapwing",
        caption="Baselines and correlation: on the validation rows.",
        show_header=False,
    )
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in rows:
        shown.add_row(name, value)
    console.print(shown)


def _replayed(drive: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            "telemetries answered",
            f"{drive['answered'] + drive['folded']:,} of "
            f"{drive['telemetries']:,}, {drive['folded']} of them with another's answer",
        ),
        *_answers(drive),
    ]


def _answers(drive: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("telemetries answered per second", f"{drive['answers_per_s']:.0f}"),
        ("round trip p50 / p99", f"{drive['p50_ms']:.1f} / {drive['p99_ms']:.1f} ms"),
    ]


def _driven(drive: dict[str, Any]) -> list[tuple[str, str]]:
    metrics = drive["metrics"]
    lateral = [f"{metrics[f'lateral_{name}_m']:.2f}" for name in ("mae", "rmse", "max")]
    return [
        ("telemetries answered", f"{drive['wire']['answered']:,}"),
        *_answers(drive["wire"]),
        (
            "lap",
            f"{drive['laps_done']} of {drive['laps']:g} on {drive['track']}, "
            f"{drive['distance_m']:,.0f} m in {drive['elapsed_s']:.0f} s",
        ),
        ("interventions", str(len(drive["interventions"]))),
        ("autonomy", f"{metrics['autonomy_percent']:.1f} %"),
        ("lateral error mean / RMS / largest", f"{' / '.join(lateral)} m"),
        ("time with a wheel off the road", f"{100 * metrics['off_road_share']:.1f} %"),
        ("steering whiteness", f"{metrics['whiteness_per_s']:.2f} /s"),
    ]


def _record(settings: Settings, console: Console) -> list[Path]:
    """Record what the demonstration learns from, unless it did before."""
    folder = settings.home / "recordings"
    console.print(f"[bold]Record[/] the expert's laps of lake, both ways around, in {folder}")
    return simulator.record(settings, folder)


def _free_port() -> int:
    """Return a port that nobody has: the demonstration disturbs no Lapwing that runs."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await_version(inference: Inference, version: int) -> dict[str, Any]:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            model = inference.model()
            if model["version"] == version:
                return model
            seen = f"version {model['version']}, refused: {model['refused']}"
        except ServiceError as error:  # it may be starting
            seen = str(error)
        if time.monotonic() > deadline:
            raise ServiceError(f"inference does not serve model version {version}", got=seen)
        time.sleep(0.1)


@contextmanager
def _folder(recording: Path) -> Iterator[Path]:
    """Yield the recording as a folder."""
    if recording.is_dir():
        yield recording
        return
    with tempfile.TemporaryDirectory() as folder:
        # Ingest has read it already, so it is one of the two; "data" keeps a tar in the folder.
        if zipfile.is_zipfile(recording):
            shutil.unpack_archive(recording, folder, "zip")
        else:
            shutil.unpack_archive(recording, folder, "tar", filter="data")
        yield next(Path(folder).rglob("driving_log.csv")).parent


def _replay(settings: Settings, folder: Path) -> dict[str, Any]:
    """Replay the recording's frames against the bridge, in a process of its own."""
    bridge = f"ws://127.0.0.1:{settings.bridge_port}"
    done = subprocess.run(
        programs.command(programs.SIMULATOR, ["replay", str(folder), "--bridge", bridge, "--json"]),
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise ServiceError("the drive failed", got=done.stderr.strip())
    result: dict[str, Any] = json.loads(done.stdout)
    return result
