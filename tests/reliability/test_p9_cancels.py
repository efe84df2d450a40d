"""P9: an import that is cancelled at any moment ends at once and leaves nothing.

Trainings are cancelled in test_p8_trainer_kills.py, whose containers can run them.
"""

import time
from collections.abc import Callable

import pytest
from redis import Redis
from support.reliability import trials
from support.reliability.containers import Containers
from support.reliability.imports import Lane

from contract.errors import JobError
from contract.jobs import queue

pytestmark = [pytest.mark.docker, pytest.mark.soak]

CANCELLED_S = 5.0


def test_an_import_that_is_cancelled_at_any_moment_leaves_nothing(
    importing: Containers, jobs: Redis, print_figures: Callable[[str], None]
) -> None:
    lane = Lane(importing, jobs, "cancelled", 95)
    lane.import_clean()
    rng, wanted = trials.generator("P9 import"), trials.count("P9 import")
    took_s, left, cancelled = [], [], 0
    while cancelled < wanted:
        lane.clear()
        job, _ = lane.begin()
        time.sleep(rng.uniform(0, lane.clean_s))
        began = time.monotonic()
        try:
            status = queue.cancel(job, jobs).status
        except JobError as error:
            if "has ended already" not in str(error):
                raise
            continue
        if status == "finished":  # it ended while it was cancelled
            continue
        cancelled += 1
        took_s.append(time.monotonic() - began)
        left += [f"visible: {fault}" for fault in lane.visible_faults()]
        left += what_is_left(lane, job)
    trials.record(
        "P9 import",
        print_figures,
        claim=trials.bound(len(left), wanted),
        ended_s_median=round(trials.quantile(took_s, 0.5), 2),
        ended_s_slowest=round(max(took_s), 2),
        left=left[:20],
    )
    lane.clear()
    assert left == []
    assert max(took_s) <= CANCELLED_S


def what_is_left(lane: Lane, job: str) -> list[str]:
    """Return the processes and files that a cancelled import has left after five seconds."""
    deadline = time.monotonic() + CANCELLED_S
    while True:
        left = [f"process {command}" for _, _, command in lane.house.processes("ingest", job)]
        left += map(str, lane.leftovers())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)
