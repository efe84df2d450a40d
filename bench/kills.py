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
        [sys.executable, "-m", "bench.training", job_id, json.dumps(CONFIG)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "LAPWING_DATA_DIR": str(folder / "data"), "LAPWING_READERS": "2",
             "LAPWING_MODEL_DIR": str(folder / "models"), "LAPWING_CHECKPOINT_S": "1",
             "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip


def proofs(output: str) -> list[str]:
    history: list[dict[str, Any]] = json.loads(output.splitlines()[-1])["history"]
    return [each["digest"] for each in history]


def children(parent: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True)
    return [int(each) for each in found.stdout.split()]


def kill(process: subprocess.Popen[str], dice: random.Random) -> str:
    """Kill what the dice say; return what that was."""
    victim = dice.choice(["reader", "trainer", "both"])
    readers = children(process.pid)
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
        process = start(folder, "job-0")
        while sum(killed.values()) < count or process.poll() is None:
            try:
                enough = sum(killed.values()) >= count
                output, errors = process.communicate(
                    timeout=None if enough else dice.uniform(*LIFE_S)
                )
            except subprocess.TimeoutExpired:
                readers = children(process.pid)
                victim = kill(process, dice)
                began = time.monotonic()
                _, errors = process.communicate(timeout=30)  # a dead reader fails the epoch at once
                slowest_s = max(slowest_s, time.monotonic() - began)
                killed[victim] += 1
                time.sleep(0.5)
                assert not [each for each in readers if Path(f"/proc/{each}").exists()], "orphans"
                if victim == "reader" and readers:
                    assert "died" in errors, errors[-500:]
            else:
                assert process.returncode == 0, errors[-2000:]
                wrong += proofs(output) != expected
                jobs += 1
                if sum(killed.values()) >= count:
                    break
            process = start(folder, f"job-{jobs}")
            print(
                f"\r{killed}, {jobs} jobs published, {wrong} with other proofs", end="", flush=True
            )
        left = list((folder / "models" / ".jobs").iterdir())
    print(f"\nleft in /dev/shm: {len(set(Path('/dev/shm').iterdir()) - shared_memory)}, of jobs: "
          f"{len(left)}; an end was noticed within {slowest_s:.1f} s")  # fmt: skip
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
