"""The demonstration: a recording goes in, a model comes out, and the wire is driven with it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from contract import jobs
from contract.errors import RecordingError, ServiceError
from lapwing import home, show
from lapwing.follow import follow
from lapwing.predict import Inference
from lapwing.settings import Settings

READY_S: Final = 30.0


def run(
    settings: Settings, recording: Path, options: dict[str, Any], console: Console
) -> dict[str, Any]:
    """Import, train, publish, serve and drive on this machine; return all figures.

    Everything stays in the folder `demo` of the home, and nothing keeps running.

    Raises:
        LapwingError: a step failed.
    """
    if not recording.exists():
        raise RecordingError("there is no such recording", got=str(recording))
    settings = dataclasses.replace(
        settings,
        home=settings.home / "demo",
        redis_url="",
        inference_port=_free_port(),
        bridge_port=_free_port(),
    )
    console.print(f"Starting the services in {settings.home}; what they print is in its logs.")
    with home.running(settings, lambda name, text: None):
        connection = jobs.connect(settings.redis)
        console.print(f"[bold]1. Import[/] {recording}")
        queued = jobs.enqueue(
            jobs.INGEST, connection, recording.name, {"source": str(recording.absolute())}
        )
        imported = follow(queued, connection, console)["imports"]
        show.imports(console, imported)
        console.print("[bold]2. Train[/] (the first step loads TensorFlow: some 10 s)")
        datasets = [each["dataset"] for each in imported]
        arguments = {"datasets": datasets, **options}
        queued = jobs.enqueue(jobs.TRAIN, connection, recording.name, arguments)
        trained = follow(queued, connection, console)
        console.print("[bold]3. Serve and drive[/] over the simulator's wire")
        served = _await_version(Inference(settings.inference), int(trained["version"]))
        with _folder(recording) as folder:
            driven = _drive(settings, folder)
    figures = {"imports": imported, "training": trained, "model": served, "drive": driven}
    table(console, figures)
    return figures


def table(console: Console, figures: dict[str, Any]) -> None:
    """Print the one table of the demonstration."""
    imports, training, drive = figures["imports"], figures["training"], figures["drive"]
    metrics = training["metrics"]
    accepted, rejected = (sum(each[name] for each in imports) for name in ("rows", "rejected"))
    rows = [
        ("rows imported / rejected", f"{accepted:,} / {rejected:,}"),
        ("training samples", f"{metrics['train_samples']:,.0f}"),
        ("rows that train / validate",
         f"{metrics['train_rows']:,.0f} / {metrics['validation_rows']:,.0f}"),
        ("epochs", f"{metrics['epochs']:.0f}, best {metrics['best_epoch']:.0f}"),
        ("MSE of the model, train / validation", show.mse(metrics)),
        ("MSE of predict-zero / hold-last", show.baselines(metrics)),
        ("correlation with the driver", f"{metrics['validation_correlation']:.3f}"),
        ("model version", str(training["version"])),
        *((f"sha256 of {name}", digest) for name, digest in training["sha256"].items()),
        ("telemetries answered", f"{drive['answered']:,} of {drive['telemetries']:,}"),
        ("telemetries answered per second", f"{drive['answers_per_s']:.0f}"),
        ("round trip p50 / p99", f"{drive['p50_ms']:.1f} / {drive['p99_ms']:.1f} ms"),
    ]  # fmt: skip
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


def _drive(settings: Settings, folder: Path) -> dict[str, Any]:
    """Replay the recording's frames against the bridge, in a process of its own."""
    bridge = f"ws://127.0.0.1:{settings.bridge_port}"
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "replay", str(folder), "--bridge", bridge, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise ServiceError("the drive failed", got=done.stderr.strip())
    result: dict[str, Any] = json.loads(done.stdout)
    return result
