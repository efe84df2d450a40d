"""P6: a job outlives the death of its process, of its worker and of their container."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from support.reliability import trials
from support.reliability.containers import Containers
from support.reliability.failpoints import Armed, Failpoint
from support.reliability.imports import RECOVERED_S, Lane
from support.waiting import await_true

from contract.jobs import queue

pytestmark = [pytest.mark.docker, pytest.mark.soak]

AT_ONCE = 10
"""Number of workers that die together, each with a job: the recovery is mostly waiting."""
RESUMED_S = 1.0
MIDDLE = Failpoint("write-", ".h5$", 2)
KILL_WORKER = "kill -9 $(cat /proc/1/task/1/children)"
"""Docker's init is process 1 of the container, and the worker its only child."""


def started_at_s(job: str, redis: Redis) -> float:
    """Return when a job last began, in seconds since 1970."""
    started = Job.fetch(job, redis, serializer=JSONSerializer).started_at
    assert started is not None
    return started.replace(tzinfo=UTC).timestamp()


def test_a_job_whose_process_is_killed_runs_again_within_a_second(
    importing: Containers, jobs: Redis, print_figures: Callable[[str], None]
) -> None:
    lane = Lane(importing, jobs, "horse", 60)
    wanted, resumed_s, faults = trials.count("P6 horse"), [], []
    for _ in range(wanted):
        lane.clear()
        job, armed = lane.begin(MIDDLE)
        armed.await_met()
        lane.await_end(job)
        resumed_s.append(started_at_s(job, jobs) - armed.met_at_s)
        faults += lane.faults(job)
        if lane.deaths(job) != 1:
            faults.append(f"{job}: {lane.deaths(job)} deaths")
    lane.clear()
    late = [seconds for seconds in resumed_s if seconds > RESUMED_S]
    trials.record(
        "P6 horse",
        print_figures,
        claim=trials.bound(len(faults), wanted),
        resumed_s_median=round(trials.quantile(resumed_s, 0.5), 2),
        resumed_s_slowest=round(max(resumed_s), 2),
        later_than_1_s=len(late),
        faults=faults[:20],
    )
    assert faults == []
    assert late == []


@pytest.fixture
def crowd(importing: Containers, jobs: Redis) -> Iterator[list[Lane]]:
    """Yield a recording for each of ten workers."""
    importing.up("ingest", scale=AT_ONCE)
    importing.await_workers(queue.INGEST, AT_ONCE, jobs)
    yield [Lane(importing, jobs, f"crowd{number}", 70 + number) for number in range(AT_ONCE)]
    importing.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", "ingest=2", "ingest")


def kill_worker(house: Containers, container: str) -> None:
    """Kill a worker inside its container, which ends with it; Docker starts it again."""
    house.docker("exec", container, "sh", "-c", KILL_WORKER, check=False)


def kill_container(house: Containers, container: str) -> None:
    """Kill all processes of a container at once, and start it again."""
    house.docker("kill", container)
    house.docker("start", container)


def hold_all(lanes: Sequence[Lane]) -> list[tuple[Lane, str, Armed]]:
    """Let each worker have a job that is held in the middle of a store."""
    held = []
    for lane in lanes:
        lane.clear()
        held.append((lane, *lane.begin(MIDDLE, "hold")))
    for _, _, armed in held:
        armed.await_met()
    return held


@pytest.mark.parametrize(
    ("row", "kill"), [("P6 worker", kill_worker), ("P6 container", kill_container)]
)
def test_a_job_whose_worker_is_killed_runs_again_within_two_minutes(
    importing: Containers,
    jobs: Redis,
    crowd: list[Lane],
    print_figures: Callable[[str], None],
    row: str,
    kill: Callable[[Containers, str], None],
) -> None:
    wanted, resumed_s, faults = trials.count(row), [], []
    while len(resumed_s) < wanted:
        importing.await_workers(queue.INGEST, AT_ONCE, jobs)
        held = hold_all(crowd[: wanted - len(resumed_s)])
        killed_s = time.time()
        for container in importing.ids("ingest"):
            kill(importing, container)
        for lane, job, _ in held:
            lane.await_end(job, 2 * RECOVERED_S)
            resumed_s.append(started_at_s(job, jobs) - killed_s)
            faults += lane.faults(job)
            if lane.deaths(job):
                faults.append(f"{job}: the death of its worker counts as its own")
            lane.clear()
    late = [seconds for seconds in resumed_s if not 0 < seconds <= RECOVERED_S]
    trials.record(
        row,
        print_figures,
        claim=trials.bound(len(faults), len(resumed_s)),
        resumed_s_median=round(trials.quantile(resumed_s, 0.5), 1),
        resumed_s_slowest=round(max(resumed_s), 1),
        later_than_120_s=len(late),
        faults=faults[:20],
    )
    assert faults == []
    assert late == []
    await_true(lambda: not queue_of(importing, jobs), "no job is left in the queue")


def queue_of(house: Containers, redis: Redis) -> list[str]:
    """Return the jobs that wait in the queue of imports."""
    return list(queue.queue(queue.INGEST, redis).job_ids)
