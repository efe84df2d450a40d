"""Tests with more frames than can be answered: some are answered, the rest refused at once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.data import models
from support.services.loading import frames, load, served

from contract.models.registry import Registry

CLIENTS = 256


def test_excess_frames_are_refused_and_no_request_fails(
    registry: Registry, networks: Path, tmp_path: Path
) -> None:
    models.publish(registry, networks / "left", "job")
    pictures = frames(tmp_path / "frames")
    with served(registry, LAPWING_INFERENCE_QUEUE_MS="5") as (_, url):
        figures = load(url, pictures, "--clients", str(CLIENTS), "--seconds", "2")
        assert set(figures["statuses"]) == {"200", "503"}
        assert figures["broken"] == 0
        after = load(url, pictures, "--seconds", "1")
        assert set(after["statuses"]) == {"200"}


@pytest.mark.soak
def test_goodput_holds_under_two_five_and_ten_times_the_load(
    registry: Registry, networks: Path, tmp_path: Path, print_figures: Callable[[str], None]
) -> None:
    """Promise P14. The network is the real one: small ones are limited by the event loop."""
    models.publish(registry, networks / "real", "job")
    pictures = frames(tmp_path / "frames")
    seconds = os.environ.get("LAPWING_SOAK_S", "60")
    with served(registry) as (_, url):
        peak = load(url, pictures, "--clients", "8", "--seconds", "10")["goodput"]
        for times in (2, 5, 10):
            rate = str(round(times * peak))
            figures = load(
                url, pictures, "--clients", str(CLIENTS), "--seconds", seconds, "--rate", rate
            )
            print_figures(f"{times} x {peak:.0f}/s: {figures}")
            assert figures["broken"] == 0
            assert set(figures["statuses"]) <= {"200", "503"}
            assert figures["goodput"] >= 0.8 * peak
        after = load(url, pictures, "--seconds", "5")
        assert set(after["statuses"]) == {"200"}
