"""Runs the job on a drive through a real bridge and a real Redis, with a real network."""

import base64
import csv
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from support.data import models, samples
from support.services import answering
from support.services.driving import bridge

from contract.errors import JobError, ModelError, SettingError
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy import load_version
from contract.wire import live_channel
from contract.wire.live_view import LiveView
from evaluator.jobs import shadow
from evaluator.jobs.shadow import SILENCE_S, WAIT_S
from evaluator.settings import Settings
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale


@pytest.fixture
def registry(tmp_path: Path, networks: Path) -> Registry:
    """Return a registry in which version 2 drives, and version 1 was there before."""
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, networks / "real", "one")
    models.publish(registry, networks / "left", "two")
    return registry


def settings(registry: Registry) -> Settings:
    return Settings(model_dir=registry.root)


def silent(**fields: object) -> None:
    """Ignore the progress."""


class Clock:
    """Goes on by a second with each look."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


def view(number: int, how: str = "model") -> LiveView:
    image = base64.b64encode(samples.jpeg(0.1, number)).decode()
    return LiveView("lab:4567", "1", 50.0 + number, how, 0.25, 0.5, 9.0, 15.0, 2.5, number, image)


def test_a_version_steers_along_with_a_real_drive(
    registry: Registry, redis: Redis, redis_socket: Path
) -> None:
    """The bridge answers 0.25, whatever the frame shows; version 1 sees each frame."""
    frames = [samples.jpeg(steering, seed) for seed, steering in enumerate((-0.3, 0.0, 0.3))]
    ended = threading.Event()
    with (
        answering.inference() as answers,
        bridge(answers.url, LAPWING_REDIS_URL=f"unix://{redis_socket}") as port,
        UnityClient(f"ws://127.0.0.1:{port}", find_locale("en-US")) as client,
    ):

        def drive() -> None:
            while not ended.is_set():
                for frame in frames:
                    client.send_telemetry(0.0, 0.0, 9.0, frame)
                    assert client.command() is not None
                    ended.wait(0.02)

        thread = threading.Thread(target=drive)
        thread.start()
        try:
            arrivals = live_channel.receive(redis)
            document = shadow.shadow(settings(registry), silent, 1, 2.0, "shadow-x", arrivals)
        finally:
            ended.set()
            thread.join()
    _, steer = load_version.load(registry, 1)
    expected = {round(steer(preprocess.decode(frame)), 5) for frame in frames}
    folder = Path(document["folder"])
    with (folder / "moments.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["driven"] for row in rows} == {"0.25000"}
    assert {float(row["shadow"]) for row in rows} <= expected
    assert len(rows) == document["moments"] >= 5
    assert document["drivers"] == [2]
    assert document["ended"] == "the time was over"
    assert json.loads((folder / "shadow.json").read_text()) == {
        key: value for key, value in document.items() if key != "folder"
    }
    assert {path.name for path in folder.iterdir()} == {
        "moments.csv",
        "shadow.json",
        "steering.png",
        "worst.png",
    }
    assert folder == registry.path(1) / "evaluations" / "shadow-x"


def test_the_version_that_drives_does_not_differ_from_itself(registry: Registry) -> None:
    _, steer = load_version.load(registry, 2)
    views = []
    for number in range(5):
        driven = steer(preprocess.decode(samples.jpeg(0.1, number)))
        views.append(LiveView(**{**vars(view(number)), "steering": driven}))
    document = shadow.shadow(
        settings(registry), silent, 2, 60.0, "shadow-x", [[one] for one in views]
    )
    assert (document["max_deg"], document["moments"]) == (0.0, 5)


@pytest.mark.parametrize("how", ["nothing", "held"])
def test_without_a_drive_nothing_is_published(registry: Registry, how: str) -> None:
    def arrivals() -> Iterator[list[LiveView]]:
        for number in range(10_000):
            yield [] if how == "nothing" else [view(number, "held")]

    clock = Clock()
    with pytest.raises(JobError, match=r"drives no simulator.*lapwing sim drive") as raised:
        shadow.shadow(settings(registry), silent, 1, 60.0, "shadow-x", arrivals(), clock)
    assert clock.now_s == pytest.approx(WAIT_S, abs=2)
    assert ("views held" in str(raised.value)) == (how == "held")
    assert not (registry.path(1) / "evaluations").exists()


def test_a_drive_that_ends_early_is_compared_as_far_as_it_went(registry: Registry) -> None:
    def arrivals() -> Iterator[list[LiveView]]:
        yield from ([view(number)] for number in range(3))
        while True:
            yield [view(9, "manual")]

    clock = Clock()
    document = shadow.shadow(settings(registry), silent, 1, 60.0, "shadow-x", arrivals(), clock)
    assert document["ended"] == "no simulator was driven any more"
    assert document["moments"] == 3
    assert clock.now_s == pytest.approx(3 + SILENCE_S, abs=2)


def test_the_time_counts_from_the_first_frame_that_the_model_drives(registry: Registry) -> None:
    reports: list[dict[str, object]] = []

    def arrivals() -> Iterator[list[LiveView]]:
        yield from ([] for _ in range(20))
        for number in range(1000):
            yield [view(number)]

    document = shadow.shadow(
        settings(registry),
        lambda **fields: reports.append(fields),
        1,
        8.0,
        "shadow-x",
        arrivals(),
        Clock(),
    )
    assert document["moments"] == 9  # at 0, 1, ... 8 s
    phases = [report["phase"] for report in reports]
    assert phases == ["wait for a drive"] * 20 + ["shadow"] * 9 + ["draw"]
    assert [report["seconds"] for report in reports[20:29]] == [float(s) for s in range(9)]


def test_a_version_that_becomes_current_meanwhile_is_named(
    registry: Registry, networks: Path
) -> None:
    def arrivals() -> Iterator[list[LiveView]]:
        yield [view(0)]
        models.publish(registry, networks / "right", "three")
        yield [view(1)]

    document = shadow.shadow(settings(registry), silent, 1, 60.0, "shadow-x", arrivals())
    assert document["drivers"] == [2, 3]


def test_an_unknown_version_is_refused_before_the_drive(registry: Registry) -> None:
    def arrivals() -> Iterator[list[LiveView]]:
        raise AssertionError("nobody should listen")
        yield []

    with pytest.raises(ModelError, match="no such model version"):
        shadow.shadow(settings(registry), silent, 9, 60.0, "shadow-x", arrivals())


@pytest.mark.parametrize("seconds", [0.0, -1.0, 3601.0, float("nan")])
def test_seconds_out_of_range_are_refused(registry: Registry, seconds: float) -> None:
    with pytest.raises(SettingError, match=r"so many seconds: got .*Ask for 1 to 3600"):
        shadow.shadow(settings(registry), silent, 1, seconds, "shadow-x", [])


def test_outside_a_job_nothing_is_done() -> None:
    with pytest.raises(JobError, match="this process runs no job"):
        shadow.run(1)
