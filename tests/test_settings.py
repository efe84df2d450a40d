"""Gives hostile values to every setting of every program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import contract.models.mirror
import contract.storage.storage_settings
import driver_bridge.settings
import evaluator.settings
import inference.settings
import ingest.settings
import lapwing.settings
import trainer.settings
from contract.errors import SettingError
from contract.settings import load, variables

CLASSES = {
    "ingest": ingest.settings.Settings,
    "trainer": trainer.settings.Settings,
    "evaluator": evaluator.settings.Settings,
    "inference": inference.settings.Settings,
    "driver_bridge": driver_bridge.settings.Settings,
    "lapwing": lapwing.settings.Settings,
    "storage": contract.storage.storage_settings.StorageSettings,
    "mirror": contract.models.mirror.MirrorSettings,
}
HOSTILE = (
    "",
    "nan",
    "inf",
    "-1",
    "1e999",
    "9" * 5000,
    "x" * 300,
    "\udcff",
    "a\nb",
    "\x1b[31m",
    "localhost:6379",
    "redis://:s3cret@host:99999",
    "http://:s3cret@host:99999/",
    "/dev/zero",
    "/dev",
    "/dev/null/x",
    "~no-such-user/x",
)
EVERY = [(name, each.name) for name, cls in CLASSES.items() for each in variables(cls)]


def refusal(program: str, name: str, value: str) -> str | None:
    """Return why a value is refused, or None if it is taken; other errors are raised."""
    try:
        load(CLASSES[program], {name: value})
    except SettingError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("program", "name"), EVERY)
def test_a_hostile_value_is_taken_or_refused_in_one_line(program: str, name: str) -> None:
    for value in HOSTILE:
        message = refusal(program, name, value)
        if message is not None:
            assert message.startswith(f"{name} has a value it cannot take: got ")
            assert ". It takes " in message
            assert "s3cret" not in message
            assert message.isprintable()
            assert len(message) < 500


@pytest.mark.parametrize(
    ("module", "name", "value", "shown"),
    [
        ("ingest", "LAPWING_REDIS_URL", "localhost:6379", "localhost:6379"),
        ("trainer", "LAPWING_REDIS_PASSWORD_FILE", "/nowhere/password", "/nowhere/password"),
        ("evaluator", "LAPWING_REDIS_URL", "redis://:s3cret@h:99999", "redis://:***@h:99999"),
        ("inference", "LAPWING_INFERENCE_HOST", "a..b", "a..b"),
        ("driver_bridge", "LAPWING_INFERENCE_URL", "http://h:99999", "http://h:99999"),
        ("driver_bridge", "LAPWING_REDIS_URL", "redis://h?foo=1", "redis://h?foo=1"),
        ("lapwing", "LAPWING_REDIS_URL", "redis://:s3cret@h:99999", "redis://:***@h:99999"),
        ("simulator", "LAPWING_BRIDGE_URL", "ws://h:99999", "ws://h:99999"),
    ],
)
def test_each_program_says_name_value_and_remedy_in_one_line(
    tmp_path: Path, module: str, name: str, value: str, shown: str
) -> None:
    words = {"lapwing": ["jobs"], "simulator": ["replay", str(tmp_path)]}.get(module, [])
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        env={**os.environ, "LAPWING_BRIDGE_PORT": "0" if module != "lapwing" else "", name: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert name in line
    assert shown in line
    assert "It takes an address" in line or "It takes the path" in line or "an IP address" in line
    assert "s3cret" not in done.stdout + done.stderr
