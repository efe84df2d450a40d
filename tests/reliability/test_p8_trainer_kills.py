"""P8: a training goes on where it was, whichever of its processes is killed and whenever.

P9, for trainings: one that is cancelled at any moment leaves nothing.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

import pytest
from redis import Redis
from support.reliability import trials
from support.reliability.containers import Containers, containers
from support.reliability.failpoints import HORSE, READER, Failpoint, compile_library
from support.reliability.trainings import Training, import_recording
from support.waiting import await_true

from contract.jobs import queue

pytestmark = [pytest.mark.docker, pytest.mark.soak]

TRAINERS = 2
DETECTED_S, SEGMENTS_S, CANCELLED_S = 10.0, 30.0, 5.0
KINDS = ("reader", "trainer", "checkpoint", "rename")
LAST = [
    Failpoint("rename-", "/models/versions/"),
    Failpoint("rename+", "/models/versions/"),
    Failpoint("send-", "rq:results:"),
]
"""The last kills of the kind rename: at the publication of the version."""


@pytest.fixture(scope="module")
def house() -> Iterator[Containers]:
    settings = {"LAPWING_CHECKPOINT_S": "1"}
    with containers("training", "127.0.0.17", "redis", "trainer", **settings) as house:
        compile_library(house.folder / "failpoints")
        import_recording(house)
        house.up("redis")
        house.up("trainer", scale=TRAINERS)
        yield house


@pytest.fixture
def jobs(house: Containers) -> Iterator[Redis]:
    with house.redis() as redis:
        house.await_workers(queue.TRAIN, TRAINERS, redis)
        yield redis


@dataclass
class Found:
    """What the kills of one kind have shown."""

    kills: int = 0
    lost_epochs: int = 0
    """The most epochs that a training lost to one kill."""
    detected_s: list[float] = field(default_factory=list)
    """Seconds from the death of a process to the end of its job's run."""
    faults: list[str] = field(default_factory=list)


def point_of(kind: str, rng: Random) -> Failpoint:
    """Return a moment in the life of a training's process, which saves after each batch."""
    if kind == "checkpoint":
        return Failpoint("write" + rng.choice("-+"), ".h5$", rng.randint(1, 60))
    text = rng.choice([".h5$", "state.json$"])
    return Failpoint("rename" + rng.choice("-+"), text, rng.randint(1, 2))


def kill_process(training: Training, who: str) -> None:
    container, pid = training.pid(who)
    training.house.docker("exec", container, "sh", "-c", f"kill -9 {pid}")


def kill_again_and_again(training: Training, kind: str, kills: int, rng: Random) -> Found:
    """Kill processes of one training, and let it go on after each."""
    found = Found()
    points = [point_of(kind, rng) for _ in range(kills)]
    if kind == "rename":
        points[-len(LAST) :] = LAST[-kills:]
    by_point = kind in ("checkpoint", "rename")
    if by_point:
        training.armed.arm(points[0])
    training.begin()
    saved = (0, 0)
    for number in range(kills):
        if by_point:
            if number + 1 < kills:
                training.armed.arm(points[number + 1], after=True)
            await_met(training)
            retries, reported = training.retries_left(), training.reported_epoch()
            training.armed.forget_met()
        else:
            training.await_saved_after(saved)
            training.forgive()
            time.sleep(rng.uniform(0, 1))
            retries, reported = training.retries_left(), training.reported_epoch()
            kill_process(training, READER if kind == "reader" else HORSE)
        found.detected_s.append(await_noticed(training, retries))
        training.forgive()
        saved = training.saved()
        found.kills += 1
        if training.folder.exists():  # it is removed once the version is published
            found.lost_epochs = max(found.lost_epochs, reported - (saved[0] + 1))
    return found


def await_noticed(training: Training, retries: int) -> float:
    """Wait until the job's run has ended, and return the seconds that this took."""
    return await_true(
        lambda: training.retries_left() != retries or is_done(training), "a death is noticed"
    )


def is_done(training: Training) -> bool:
    return queue.view(training.job, training.redis).status == "finished"


def await_met(training: Training) -> None:
    def met_or_ended() -> bool:
        status = queue.view(training.job, training.redis).status
        assert status in ("queued", "started"), queue.view(training.job, training.redis)
        return training.armed.was_met

    await_true(met_or_ended, f"{training.job} comes to its failpoint", 300, 0.05)


def judge(training: Training, found: Found, reference: Training) -> None:
    """Let a training come to its end, and compare it with one that nobody killed."""
    view = training.await_end()
    if view.status != "finished":
        found.faults.append(f"{view.id} is {view.status}: {view.error}")
        return
    if len(training.published()) != 1:
        found.faults.append(f"{view.id} published {len(training.published())} versions")
        return
    if training.digests() != reference.digests():
        found.faults.append(f"{view.id} trained on other samples, or in another order")
    found.faults += [f"{path} is left" for path in training.leftovers()]


def test_a_training_that_is_killed_again_and_again_is_that_which_nobody_killed(
    house: Containers, jobs: Redis, print_figures: Callable[[str], None]
) -> None:
    idle = house.segments("trainer")
    reference = Training(house, jobs, "reference")
    trainings = {kind: Training(house, jobs, kind) for kind in KINDS}
    reference.begin()
    assert reference.await_end().status == "finished"

    def run(kind: str) -> Found:
        rng, kills = trials.generator(f"P8 {kind}"), trials.count(f"P8 {kind}")
        found = kill_again_and_again(trainings[kind], kind, kills, rng)
        judge(trainings[kind], found, reference)
        return found

    with ThreadPoolExecutor(TRAINERS) as executor:
        results = dict(zip(KINDS, executor.map(run, KINDS), strict=True))
    for kind, found in results.items():
        trials.record(
            f"P8 {kind}",
            print_figures,
            claim=trials.bound(len(found.faults), found.kills),
            lost_epochs_most=found.lost_epochs,
            detected_s_slowest=round(max(found.detected_s), 2),
            faults=found.faults,
        )
    assert [fault for found in results.values() for fault in found.faults] == []
    assert max(found.lost_epochs for found in results.values()) <= 1
    assert max(results["reader"].detected_s) <= DETECTED_S
    await_true(lambda: house.segments("trainer") <= idle, "no shared memory is left", SEGMENTS_S)


def test_a_training_that_is_cancelled_at_any_moment_leaves_nothing(
    house: Containers, jobs: Redis, print_figures: Callable[[str], None]
) -> None:
    """P9, for trainings; test_p9_cancels.py cancels imports."""
    idle = house.segments("trainer")
    rng, wanted = trials.generator("P9 training"), trials.count("P9 training")
    took_s, left = [], []
    for number in range(wanted):
        training = Training(house, jobs, f"cancelled{number}")
        training.begin()
        time.sleep(rng.uniform(0, 20))
        began = time.monotonic()
        assert queue.cancel(training.job, jobs).status in ("stopped", "canceled")
        took_s.append(time.monotonic() - began)
        left += what_is_left(training, idle)
    trials.record(
        "P9 training",
        print_figures,
        claim=trials.bound(len(left), wanted),
        ended_s_median=round(trials.quantile(took_s, 0.5), 2),
        ended_s_slowest=round(max(took_s), 2),
        left=left[:20],
    )
    assert left == []
    assert max(took_s) <= CANCELLED_S


def what_is_left(training: Training, idle: set[str]) -> list[str]:
    """Return what a cancelled training has left after five seconds."""
    deadline = time.monotonic() + CANCELLED_S
    while True:
        processes = training.house.processes("trainer", training.job)
        left = [f"process {command}" for _, _, command in processes] + training.leftovers()
        left += sorted(training.house.segments("trainer") - idle)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)
