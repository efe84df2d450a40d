"""P7: jobs outlive the death of Redis: those that wait, and the one that runs."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from redis import Redis
from support.reliability import trials
from support.reliability.containers import Containers, answers
from support.reliability.failpoints import Failpoint
from support.reliability.imports import RECOVERED_S, Lane
from support.waiting import await_true

from contract.jobs import queue
from contract.jobs.lapwing_worker import LapwingWorker

pytestmark = [pytest.mark.docker, pytest.mark.soak]

RECONNECTED_S = 30.0
MIDDLE = Failpoint("write-", ".h5$", 2)


@pytest.fixture
def waiting(importing: Containers, jobs: Redis) -> Iterator[list[str]]:
    """Queue jobs for a trainer that does not run, and yield their identities in order."""
    number = trials.count("P7 queued")
    yield [
        queue.enqueue(queue.TRAIN, jobs, f"waiting{count}", {"epochs": 1})
        for count in range(number)
    ]
    with importing.redis() as redis:  # it was started again meanwhile
        queue.queue(queue.TRAIN, redis).empty()


def test_no_job_is_lost_when_redis_is_killed(
    importing: Containers,
    jobs: Redis,
    waiting: list[str],
    print_figures: Callable[[str], None],
) -> None:
    rng, wanted = trials.generator("P7"), trials.count("P7 redis")
    lane = Lane(importing, jobs, "redis", 90)
    (container,) = importing.ids("redis")
    reconnected_s, ended_s, faults, lost = [], [], [], 0
    for _ in range(wanted):
        importing.await_workers(queue.INGEST, 1, jobs)
        lane.clear()
        job, armed = lane.begin(MIDDLE, "hold")
        armed.await_met()
        time.sleep(rng.uniform(0, 1))
        importing.docker("kill", container)
        time.sleep(rng.uniform(0, 3))
        armed.release()  # the import may end while there is no Redis
        importing.docker("start", container)
        began, since = time.monotonic(), datetime.now(UTC)
        jobs = client_of(importing)
        lane.redis = jobs
        known = queue.queue(queue.TRAIN, jobs).job_ids
        lost += len(set(waiting) - set(known))
        if known != waiting:
            faults.append(f"{len(known)} of {len(waiting)} jobs wait, or in another order")
        await_heard(lane, since)
        reconnected_s.append(time.monotonic() - began)
        lane.await_end(job, 2 * RECOVERED_S)
        ended_s.append(time.monotonic() - began)
        faults += lane.faults(job)
    lane.clear()
    trials.record(
        "P7 redis",
        print_figures,
        claim=trials.bound(len(faults), wanted),
        queued=len(waiting),
        queued_lost=lost,
        reconnected_s_slowest=round(max(reconnected_s), 1),
        running_job_ended_s_median=round(trials.quantile(ended_s, 0.5), 1),
        running_job_ended_s_slowest=round(max(ended_s), 1),
        faults=faults[:20],
    )
    assert faults == []
    assert max(reconnected_s) <= RECONNECTED_S
    assert max(ended_s) <= RECOVERED_S


def client_of(house: Containers) -> Redis:
    """Return a client of the Redis that was started again, which may have another address."""
    client = house.redis()
    await_true(lambda: answers(client), "Redis answers")
    return client


def await_heard(lane: Lane, since: datetime) -> None:
    await_true(lambda: is_heard(lane, since), "a worker is heard again", RECOVERED_S)


def is_heard(lane: Lane, since: datetime) -> bool:
    """Tell whether a worker has sent a heartbeat since then."""
    workers = LapwingWorker.all(queue=queue.queue(queue.INGEST, lane.redis))
    beats = [worker.last_heartbeat for worker in workers]
    return any(beat is not None and beat.replace(tzinfo=UTC) >= since for beat in beats)
