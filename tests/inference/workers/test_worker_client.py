import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from support.data import models, samples

from contract.errors import ModelError
from contract.models.registry import Registry
from inference.workers import protocol
from inference.workers.worker_client import WorkerClient, WorkerDiedError, WorkerFailedError


def run(registry: Registry, body: Callable[[WorkerClient], Coroutine[Any, Any, None]]) -> int:
    """Run `body` with a worker, and return how often a worker was lost."""
    lost: list[bool] = []

    async def run_body() -> None:
        worker = WorkerClient(registry.root, lambda: lost.append(True))
        await worker.start()
        try:
            await asyncio.wait_for(body(worker), 60)
        finally:
            worker.close()
            await asyncio.to_thread(worker.wait)
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)

    asyncio.run(run_body())
    return len(lost)


def test_replies_belong_to_their_requests(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "job")

    async def body(worker: WorkerClient) -> None:
        requests = [
            worker.request(protocol.LOAD, 1),
            worker.request(protocol.PREDICT, 1, samples.jpeg()),
            worker.request(protocol.PREDICT, 1, b"no JPEG"),
            worker.request(protocol.LOAD, 2),
            worker.request(protocol.PREDICT, 3, samples.jpeg()),
            worker.request(protocol.CHECK, 1),
        ]
        assert worker.in_flight == 6
        replies = await asyncio.gather(*requests, return_exceptions=True)
        assert worker.in_flight == 0
        assert (replies[0], replies[5]) == (b"litert", b"")
        assert isinstance(replies[1], bytes)
        assert len(replies[1]) == protocol.PREDICTION.size
        assert "not a JPEG" in str(replies[2])
        assert isinstance(replies[3], ModelError)
        assert isinstance(replies[4], WorkerFailedError)

    assert run(registry, body) == 0


def test_a_frame_larger_than_the_buffer_of_the_socket_arrives(
    registry: Registry, networks: Path
) -> None:
    models.publish(registry, networks / "left", "job")
    large = samples.jpeg(0.1, 0, 1400, 2000)
    assert len(large) > 500_000

    async def body(worker: WorkerClient) -> None:
        await worker.request(protocol.LOAD, 1)
        assert await asyncio.gather(*(worker.request(protocol.PREDICT, 1, large) for _ in range(4)))

    run(registry, body)


def test_a_worker_that_dies_fails_its_requests_and_is_reported(registry: Registry) -> None:
    async def body(worker: WorkerClient) -> None:
        os.kill(worker.pid, signal.SIGSTOP)
        reply = worker.request(protocol.CHECK, 1)
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError):
            await reply
        with pytest.raises(WorkerDiedError):
            await worker.request(protocol.CHECK, 1)

    assert run(registry, body) == 1


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_process_group_does_not_end_a_worker(
    registry: Registry, networks: Path, sign: signal.Signals
) -> None:
    models.publish(registry, networks / "left", "job")

    async def body(worker: WorkerClient) -> None:
        await worker.request(protocol.LOAD, 1)
        os.kill(worker.pid, sign)
        await worker.request(protocol.CHECK, 1)

    assert run(registry, body) == 0
