"""The demonstration records and trains alike, with containers and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lapwing.commands import demo
from lapwing.stack import simulator

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


def test_containers_record_what_the_command_records(services: dict[str, Any]) -> None:
    commands = [
        service["command"] for name, service in services.items() if name.startswith("demo-record")
    ]
    for seed, (name, options) in enumerate(simulator.RECORDINGS.items(), 1):
        wanted = ["record", "--out", f"/recordings/{name}", "--seed", str(seed), "--once"]
        assert [*wanted, *simulator.STYLE, *options] in commands
    assert len(commands) == len(simulator.RECORDINGS)


def test_containers_train_as_the_command_trains(services: dict[str, Any]) -> None:
    script = " ".join(services["demo-train"]["command"])
    assert f"set -- {' '.join(simulator.RECORDINGS)}\n" in script
    options = " ".join(f"--{name} {value}" for name, value in demo.VARIATION.items())
    assert f'lapwing train --wait --epochs 6 {options} "$$@"' in script


def test_every_light_is_seen_and_both_ways_round() -> None:
    lights = [options[options.index("--light") + 1] for options in simulator.RECORDINGS.values()]
    assert sorted(lights) == ["clear", "dusk", "fog", "overcast"]
    ways = ["--reverse" in options for options in simulator.RECORDINGS.values()]
    assert ways.count(True) == ways.count(False)
