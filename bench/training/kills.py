"""Kills a training again and again: `python -m bench.training.kills 100`.

Readers, the trainer, or both are killed at random moments, and the job is run again until it has
published. Its proofs must equal those of an undisturbed training, and nothing may be left of it: no
process, no shared memory and no file of the job.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import output
from bench.recordings import DATA
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

CONFIG = {"epochs": 3, "batch": 32, "patience": 9}
LIFE_S = (4.0, 20.0)


def start(folder: Path, job_id: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.training.job", job_id, json.dumps(CONFIG)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "LAPWING_DATA_DIR": str(folder / "data"),
            "LAPWING_READERS": "2",
            "LAPWING_MODEL_DIR": str(folder / "models"),
            "LAPWING_CHECKPOINT_S": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
    )


def proofs(printed: str) -> list[str]:
    history: list[dict[str, Any]] = json.loads(printed.splitlines()[-1])["history"]
    return [each["digest"] for each in history]


def readers_of(parent: int) -> list[int]:
    """Return the reader processes among a trainer's children, without those of the converter."""
    found = subprocess.run(["pgrep", "-P", str(parent), "-f", "spawn_main"], capture_output=True)
    return [int(each) for each in found.stdout.split()]


def await_gone(processes: list[int], within_s: float = 10.0) -> None:
    """Wait until the readers have ended, which may have been starting when their trainer died."""
    deadline = time.monotonic() + within_s
    while any(Path(f"/proc/{each}").exists() for each in processes):
        assert time.monotonic() < deadline, "a reader outlives its trainer"
        time.sleep(0.05)


def kill(process: subprocess.Popen[str], dice: random.Random) -> str:
    """Kill a random victim; return its name."""
    readers = readers_of(process.pid)
    victim = dice.choice(["reader", "trainer", "both"]) if readers else "trainer"
    chosen = {"reader": readers[:1], "trainer": [process.pid], "both": [*readers, process.pid]}
    for each in chosen[victim]:
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it died with the trainer
    return victim


def main(options: argparse.Namespace) -> int:
    """Kill and restart trainings; return the number of jobs whose proofs differ."""
    count, dice = options.count, random.Random(options.seed)
    console = output.console(options)
    killed = dict.fromkeys(("reader", "trainer", "both"), 0)
    wrong, jobs, slowest_s = 0, 0, 0.0
    shared_memory = set(Path("/dev/shm").iterdir())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
        import_source(settings, DATA / "lake", "lake", 1.0, lambda **_: None)
        expected = proofs(start(folder, "undisturbed").communicate()[0])
        while True:
            process = start(folder, f"job-{jobs}")
            victim, enough = "", sum(killed.values()) >= count
            try:
                printed, errors = process.communicate(
                    timeout=None if enough else dice.uniform(*LIFE_S)
                )
            except subprocess.TimeoutExpired:
                readers, victim, began = (
                    readers_of(process.pid),
                    kill(process, dice),
                    time.monotonic(),
                )
                printed, errors = process.communicate(timeout=60)
                slowest_s = max(slowest_s, time.monotonic() - began)
                killed[victim] += 1
                await_gone(readers)
            if process.returncode == 0:
                wrong += proofs(printed) != expected
                jobs += 1
            else:
                assert victim, errors[-2000:]
                assert victim != "reader" or "died: got exit code -9" in errors, errors[-2000:]
            console.print(f"{killed}, {jobs} jobs published, {wrong} with other proofs")
            if enough and process.returncode == 0:
                break
        left = list((folder / "models" / ".jobs").iterdir())
    row = {
        **{f"kills, {victim}": number for victim, number in killed.items()},
        "jobs published": jobs,
        "with other proofs": wrong,
        "left in /dev/shm": len(set(Path("/dev/shm").iterdir()) - shared_memory),
        "left of jobs": len(left),
        "an end was noticed within, s": slowest_s,
    }
    title = "Killing a training again and again"
    command = f"python -m bench.training.kills {count}"
    output.finish(output.Result("kills", title, command, "lake", [row]), options)
    return wrong


if __name__ == "__main__":
    parser = output.arguments(__doc__)
    parser.add_argument("count", type=int, help="kill this number of times")
    parser.add_argument("seed", type=int, nargs="?", default=1, help="seed of the dice")
    sys.exit(main(parser.parse_args()))
