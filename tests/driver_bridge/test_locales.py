"""Tests that simulators of ten locales, which drive at once, each obey the model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services import serving
from support.services.driving import patient_bridge, unity
from support.waiting import await_true

from contract.models.registry import Registry

LOCALES = (
    *("en-US", "de-DE", "fr-FR", "de-CH", "hi-IN"),
    # These write a negative number with the minus behind it, or with a space after the minus.
    *("ar-EG", "fa-IR", "hr-HR", "km-KH", "pa-Arab-PK"),
)
FRAMES = 15


def drive(port: int, name: str, speed_mph: float, jpegs: list[bytes]) -> list[tuple[float, float]]:
    """Send each frame once, with the command in force; return steering and throttle of answers."""
    commands = []
    steering, throttle = -0.5, -1.0
    with unity(port, name) as client:
        for jpeg in jpegs:
            client.send_telemetry(steering, throttle, speed_mph, jpeg)
            command = client.command()
            assert command is not None, f"{name}: a frame was not answered"
            steering, throttle = command.steering, command.throttle
            commands.append((steering, throttle))
    return commands


def test_ten_locales_at_once_get_the_steering_of_predict(tmp_path: Path, networks: Path) -> None:
    """Every frame is answered, and each command is within 1e-3 of what /predict returns."""
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, networks / "left", "locales")
    jpegs = {
        name: [samples.jpeg(0.1 * row - 0.7, 100 * number + row) for row in range(FRAMES)]
        for number, name in enumerate(LOCALES)
    }
    # Half of them drive below the target speed, and half above it, where a group mark is written.
    speeds = {name: 5.0 if number % 2 else 1025.5 for number, name in enumerate(LOCALES)}
    with (
        serving.running(registry.root) as (_, inference_port),
        httpx.Client(base_url=f"http://127.0.0.1:{inference_port}") as inference,
        patient_bridge(str(inference.base_url)) as port,
        ThreadPoolExecutor(len(LOCALES)) as threads,
    ):
        await_true(lambda: inference.get("/readyz").status_code == 200)
        drives = {
            name: threads.submit(drive, port, name, speeds[name], jpegs[name]) for name in LOCALES
        }
        commands = {name: each.result() for name, each in drives.items()}
        expected = {
            name: [serving.predict(inference, jpeg).json()["steering"] for jpeg in jpegs[name]]
            for name in LOCALES
        }
    for name in LOCALES:
        steerings, throttles = zip(*commands[name], strict=True)
        assert steerings == pytest.approx(expected[name], abs=1e-3), name
        assert (throttles[-1] > 0) == (speeds[name] < 15), name
    values = {value for each in expected.values() for value in each}
    assert len(values) > 50
    assert min(values) < -0.01
