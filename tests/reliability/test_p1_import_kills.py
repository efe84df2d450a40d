"""P1 and P2: whatever kills an import, what is visible is complete, and a second run repeats it."""

import collections
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from support.reliability import trials
from support.reliability.containers import Containers
from support.reliability.failpoints import Failpoint
from support.reliability.imports import Lane

pytestmark = [pytest.mark.docker, pytest.mark.soak]

Points = dict[str, Callable[[random.Random, str], Failpoint]]
WRITES = 3


def around(call: str, text: str) -> Callable[[random.Random, str], Failpoint]:
    """Return a failpoint before or after a call; @ stands for the dataset."""
    return lambda rng, dataset: Failpoint(call + rng.choice("-+"), text.replace("@", dataset))


POINTS: Points = {
    "temp open": around("open", ".h5$"),
    "mid-append": lambda rng, _: Failpoint(
        "write" + rng.choice("-+"), ".h5$", rng.randint(1, WRITES)
    ),
    "after flush": lambda rng, _: Failpoint("close-", ".h5$"),
    "fsync": around("fsync", ".h5$"),
    "rename": around("rename", "/stores/@.h5$"),
    "dir-fsync": around("fsync", "/data/stores$"),
    "manifest": lambda rng, dataset: rng.choice(
        [
            Failpoint("open+", f"/stores/.{dataset}.", rng.randint(1, 2)),
            Failpoint("write" + rng.choice("-+"), f"/stores/.{dataset}.", rng.randint(1, 2)),
            Failpoint("rename" + rng.choice("-+"), f"/stores/{dataset}.ids$"),
            Failpoint("rename" + rng.choice("-+"), f"/stores/{dataset}.json$"),
        ]
    ),
    "before ack": around("send", "rq:results:"),
}


@pytest.fixture
def lanes(importing: Containers, jobs: Redis) -> Iterator[list[Lane]]:
    lanes = [Lane(importing, jobs, f"run{number}", number) for number in range(2)]
    for lane in lanes:
        lane.import_clean()
    yield lanes
    for lane in lanes:
        lane.clear()


class Tally:
    """Counts what the lanes, each in a thread of its own, have found."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.killed: collections.Counter[str] = collections.Counter()
        self.faults: list[str] = []

    def add(self, name: str, point: Failpoint, faults: list[str]) -> None:
        with self.lock:
            self.killed[name] += 1
            self.faults += [f"{name} ({point}): {fault}" for fault in faults]


def dataset_of(lane: Lane) -> str:
    """Return the name that the dataset of a lane gets; it is the same each time."""
    job, _ = lane.begin()
    lane.await_end(job)
    (manifest,) = lane.manifests()
    lane.clear()
    return manifest.dataset


def kill_once(lane: Lane, point: Failpoint) -> list[str] | None:
    """Import with a kill; return what is wrong, or None if the job ended before the kill."""
    lane.clear()
    job, armed = lane.begin(point)
    armed.await_met()
    faults = [f"visible after the kill: {fault}" for fault in lane.visible_faults()]
    lane.await_end(job)
    faults += lane.faults(job)
    if point.call == "time" and not lane.deaths(job):
        assert faults == []
        return None
    return faults


def drive_lanes(lanes: list[Lane], body: Callable[[Lane, int], None]) -> None:
    with ThreadPoolExecutor(len(lanes)) as executor:
        for done in [executor.submit(body, lane, number) for number, lane in enumerate(lanes)]:
            done.result()


def test_a_kill_at_a_failpoint_leaves_nothing_half_made(
    lanes: list[Lane], print_figures: Callable[[str], None]
) -> None:
    tally, each = Tally(), trials.count("P1 failpoints") // len(POINTS) or 1

    def run(lane: Lane, number: int) -> None:
        rng = trials.generator(f"P1 failpoints {lane.name}")
        dataset = dataset_of(lane)
        for name, point in POINTS.items():
            for _ in range(number, each, len(lanes)):
                chosen = point(rng, dataset)
                tally.add(name, chosen, kill_once(lane, chosen) or [])

    drive_lanes(lanes, run)
    total = sum(tally.killed.values())
    trials.record(
        "P1 failpoints",
        print_figures,
        kills=dict(tally.killed),
        claim=trials.bound(len(tally.faults), total),
        faults=tally.faults[:20],
    )
    assert set(tally.killed.values()) == {each}
    assert tally.faults == []


def test_a_kill_at_a_random_moment_leaves_nothing_half_made(
    lanes: list[Lane], print_figures: Callable[[str], None]
) -> None:
    tally, wanted = Tally(), trials.count("P1 random")
    survived = [0 for _ in lanes]

    def run(lane: Lane, number: int) -> None:
        rng = trials.generator(f"P1 random {lane.name}")
        for _ in range(number, wanted, len(lanes)):
            faults = None
            while faults is None:
                point = Failpoint("time", number=rng.randint(1, int(lane.clean_s * 1000)))
                faults = kill_once(lane, point)
                survived[number] += faults is None
                assert survived[number] < 2 * wanted, "the jobs end before they can be killed"
            tally.add("random", point, faults)

    drive_lanes(lanes, run)
    trials.record(
        "P1 random",
        print_figures,
        kills=tally.killed["random"],
        ended_before=sum(survived),
        claim=trials.bound(len(tally.faults), tally.killed["random"]),
        faults=tally.faults[:20],
    )
    assert tally.killed["random"] == wanted
    assert tally.faults == []


def test_a_recording_that_is_submitted_twice_at_once_is_one_dataset(
    lanes: list[Lane], print_figures: Callable[[str], None]
) -> None:
    """One of the two is killed while it holds the other up."""
    lane, wanted = lanes[0], trials.count("P2 submitted twice")
    rng, faults = trials.generator("P2"), []
    for _ in range(wanted):
        lane.clear()
        point = Failpoint("write-", ".h5$", rng.randint(1, WRITES))
        first, armed = lane.begin(point)
        second, _ = lane.begin()
        for job in (first, second):
            lane.await_end(job)
            faults += lane.faults(job)
        armed.release()
    trials.record(
        "P2 submitted twice", print_figures, claim=trials.bound(len(faults), wanted), faults=faults
    )
    assert faults == []
