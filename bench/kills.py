"""Kill a training again and again: `python -m bench.kills 100`.

Readers, the trainer, or both are killed at random moments, and the job is run again until it has
published. Its proofs must be those of a training that nobody disturbed, and nothing may be left:
no process, no shared memory, no file of the job's.
"""

from __future__ import annotations

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

from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

CONFIG = {"epochs": 3, "batch": 32, "patience": 9}
LIFE_S = (4.0, 20.0)
SHARED = Path(os.environ.get("LAPWING_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def start(folder: Path, job_id: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.training", job_id, json.dumps(CONFIG)],
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


def proofs(output: str) -> list[str]:
    history: list[dict[str, Any]] = json.loads(output.splitlines()[-1])["history"]
    return [each["digest"] for each in history]


def readers_of(parent: int) -> list[int]:
    """List the readers among a trainer's children: not the twin's converter, for one."""
    found = subprocess.run(["pgrep", "-P", str(parent), "-f", "spawn_main"], capture_output=True)
    return [int(each) for each in found.stdout.split()]


def await_gone(processes: list[int], within_s: float = 10.0) -> None:
    """Wait until readers have noticed that their trainer is dead; one may be starting just then."""
    deadline = time.monotonic() + within_s
    while any(Path(f"/proc/{each}").exists() for each in processes):
        assert time.monotonic() < deadline, "a reader outlives its trainer"
        time.sleep(0.05)


def kill(process: subprocess.Popen[str], dice: random.Random) -> str:
    """Kill what the dice say; return what that was."""
    readers = readers_of(process.pid)
    victim = dice.choice(["reader", "trainer", "both"]) if readers else "trainer"
    chosen = {"reader": readers[:1], "trainer": [process.pid], "both": [*readers, process.pid]}
    for each in chosen[victim]:
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it died with the trainer
    return victim


def main(count: int, seed: int) -> int:
    """Print what came of it; return the number of jobs whose proofs were others."""
    dice = random.Random(seed)
    killed = dict.fromkeys(("reader", "trainer", "both"), 0)
    wrong, jobs, slowest_s = 0, 0, 0.0
    shared_memory = set(Path("/dev/shm").iterdir())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
        import_source(settings, SHARED / "data" / "lake", "lake", 1.0, lambda **_: None)
        expected = proofs(start(folder, "undisturbed").communicate()[0])
        while True:
            process = start(folder, f"job-{jobs}")
            victim, enough = "", sum(killed.values()) >= count
            try:
                output, errors = process.communicate(
                    timeout=None if enough else dice.uniform(*LIFE_S)
                )
            except subprocess.TimeoutExpired:
                readers, victim, began = (
                    readers_of(process.pid),
                    kill(process, dice),
                    time.monotonic(),
                )
                output, errors = process.communicate(timeout=60)
                slowest_s = max(slowest_s, time.monotonic() - began)
                killed[victim] += 1
                await_gone(readers)
            if process.returncode == 0:
                wrong += proofs(output) != expected
                jobs += 1
            else:
                assert victim, errors[-2000:]
                assert victim != "reader" or "died: got exit code -9" in errors, errors[-2000:]
            print(f"{killed}, {jobs} jobs published, {wrong} with other proofs", flush=True)
            if enough and process.returncode == 0:
                break
        left = list((folder / "models" / ".jobs").iterdir())
    print(
        f"left in /dev/shm: {len(set(Path('/dev/shm').iterdir()) - shared_memory)}, of jobs: "
        f"{len(left)}; an end was noticed within {slowest_s:.1f} s"
    )
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
