"""Lets the service and its workers stand still, and then a worker alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from support.data import models, samples

from contract.models.registry import Registry

HANG_S = 2.0
PROGRAM = """
import asyncio, sys
from pathlib import Path
from inference.metrics import InferenceMetrics
from inference.workers.scheduler import Scheduler

async def main(models, jpeg, hang_s):
    async with Scheduler(2, 60.0, models, InferenceMetrics(), hang_s) as scheduler:
        await scheduler.pool.load(1)
        scheduler.pool.set_current(1)
        while True:
            print(*scheduler.pool.pids, flush=True)
            if not await asyncio.to_thread(sys.stdin.readline):
                return
            asked = [asyncio.ensure_future(scheduler.predict(1, [jpeg])) for _ in range(4)]
            await asyncio.sleep(0)
            print("asked", flush=True)
            answers = await asyncio.gather(*asked, return_exceptions=True)
            print(sorted({type(answer).__name__ for answer in answers}), flush=True)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes(), float(sys.argv[3])))
"""


def ask(stream: IO[str]) -> None:
    stream.write("ask\n")
    stream.flush()


def test_workers_are_killed_for_their_own_silence_only(tmp_path: Path, networks: Path) -> None:
    models.publish(Registry(tmp_path / "models"), networks / "left", "left")
    (tmp_path / "frame.jpg").write_bytes(samples.jpeg(0.3))
    command = [PROGRAM, str(tmp_path / "models"), str(tmp_path / "frame.jpg"), str(HANG_S)]
    with subprocess.Popen(
        [sys.executable, "-c", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        workers = [int(word) for word in service.stdout.readline().split()]
        try:
            send(signal.SIGSTOP, *workers)
            ask(service.stdin)
            assert service.stdout.readline() == "asked\n"
            send(signal.SIGSTOP, service.pid)
            time.sleep(1.5 * HANG_S)
            send(signal.SIGCONT, service.pid, *workers)
            assert service.stdout.readline() == "['list']\n"
            assert [int(word) for word in service.stdout.readline().split()] == workers

            send(signal.SIGSTOP, workers[0])
            ask(service.stdin)
            assert service.stdout.readline() == "asked\n"
            assert service.stdout.readline() == "['WorkerDiedError', 'list']\n"
            assert not Path(f"/proc/{workers[0]}").exists()
            service.stdin.close()
            assert service.wait(60) == 0
        finally:
            send(signal.SIGCONT, *(pid for pid in workers if Path(f"/proc/{pid}").exists()))
            service.kill()


def send(number: signal.Signals, *pids: int) -> None:
    for pid in pids:
        os.kill(pid, number)
