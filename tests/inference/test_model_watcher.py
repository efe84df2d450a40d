from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.data import models

from contract.errors import ModelError
from contract.models import promotion
from contract.models.golden import COUNT, Golden
from contract.models.registry import Registry
from contract.perpetual import describe
from contract.policy.policy import LoadedPolicy
from inference.model_watcher import FIRST_RETRY_S, LONGEST_RETRY_S, ModelWatcher
from inference.workers.pool import NoWorkerError
from inference.workers.worker_client import WorkerDiedError, WorkerFailedError


class Drifting:
    """A backend whose predictions a test can change."""

    offset = 0.0

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.full((len(frames), 1), self.offset, np.float32)


GOLDEN = Golden(np.zeros((COUNT, 128, 128, 3), np.uint8), np.zeros((COUNT, 1), np.float32))


class Loader:
    """Loads any version but those in `failing`, and records the versions that it was asked for."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.failing: dict[int, Exception] = {}
        self.requested: list[int] = []
        self.backend = Drifting()

    def __call__(self, version: int) -> LoadedPolicy:
        self.requested.append(version)
        if version in self.failing:
            raise self.failing[version]
        return LoadedPolicy(self._registry.manifest(version), self.backend, GOLDEN)


@pytest.fixture
def publish(registry: Registry, tmp_path: Path) -> Callable[[], int]:
    """Return a function that publishes another version; its files are not read here."""
    network = tmp_path / "network"
    network.mkdir()
    (network / "model.h5").touch()

    def publish_next() -> int:
        number = len(registry.versions()) + 1
        return models.publish(registry, network, f"job-{number}").version

    return publish_next


@pytest.fixture
def loader(registry: Registry) -> Loader:
    return Loader(registry)


class Clock:
    """Tells the time that a test sets."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(registry: Registry, loader: Loader, clock: Clock) -> ModelWatcher:
    return ModelWatcher(registry, loader, clock)


def version_of(watcher: ModelWatcher) -> int | None:
    return watcher.model.manifest.version if watcher.model else None


def test_the_service_is_not_ready_before_a_model_is_published(watcher: ModelWatcher) -> None:
    assert not watcher.poll()
    assert watcher.model is None
    assert watcher.unready_reason() == "no model is published yet"


def test_the_current_version_is_loaded_once(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int]
) -> None:
    publish()
    assert [watcher.poll() for _ in range(3)] == [True, False, False]
    assert loader.requested == [1]
    assert watcher.unready_reason() is None


def test_a_new_version_takes_over(watcher: ModelWatcher, publish: Callable[[], int]) -> None:
    publish()
    watcher.poll()
    publish()
    assert watcher.poll()
    assert version_of(watcher) == 2


def test_a_promoted_older_version_takes_over(
    watcher: ModelWatcher, registry: Registry, publish: Callable[[], int]
) -> None:
    publish()
    publish()
    watcher.poll()
    promotion.force(registry, 1, "a test")
    assert watcher.poll()
    assert version_of(watcher) == 1


def test_a_bad_version_is_refused_and_the_old_one_stays(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int]
) -> None:
    publish()
    watcher.poll()
    loader.failing[publish()] = ModelError("it is bad")
    assert not watcher.poll()
    assert version_of(watcher) == 1
    assert "bad" in watcher.refused[2]
    assert watcher.unready_reason() is None


PASSING = [
    OSError("no answer"),
    MemoryError(),
    KeyError("x"),
    WorkerDiedError("killed"),
    NoWorkerError("none"),
    WorkerFailedError("MemoryError: "),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_an_error_that_may_pass_refuses_no_version(
    watcher: ModelWatcher,
    loader: Loader,
    clock: Clock,
    publish: Callable[[], int],
    error: Exception,
) -> None:
    publish()
    watcher.poll()
    loader.failing[publish()] = error
    assert not watcher.poll()
    assert watcher.refused == {}
    assert describe(error) in watcher.load_error
    assert version_of(watcher) == 1
    assert watcher.unready_reason() is None  # the old version drives on
    loader.failing.clear()
    clock.now_s += FIRST_RETRY_S
    assert watcher.poll()
    assert version_of(watcher) == 2
    assert watcher.load_error == ""


def test_a_version_that_cannot_be_loaded_is_tried_after_pauses_that_grow(
    watcher: ModelWatcher, loader: Loader, clock: Clock, publish: Callable[[], int]
) -> None:
    loader.failing[publish()] = OSError("no answer")
    tried_s = []
    for _ in range(4000):
        before = len(loader.requested)
        watcher.poll()
        if len(loader.requested) > before:
            tried_s.append(clock.now_s)
        clock.now_s += 0.1
    pauses_s = np.diff(tried_s)
    expected_s = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_RETRY_S, LONGEST_RETRY_S]
    assert pauses_s[:9].tolist() == pytest.approx(expected_s, abs=0.11)
    assert "no answer" in (watcher.unready_reason() or "")


def test_another_version_need_not_wait_for_one_that_cannot_be_loaded(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int]
) -> None:
    loader.failing[publish()] = OSError("no answer")
    for _ in range(9):
        watcher.poll()
    publish()
    assert watcher.poll()
    assert version_of(watcher) == 2
    assert watcher.load_error == ""


def test_the_version_that_drives_is_not_loaded_again_after_one_that_cannot_be(
    watcher: ModelWatcher,
    loader: Loader,
    clock: Clock,
    registry: Registry,
    publish: Callable[[], int],
) -> None:
    publish()
    watcher.poll()
    loader.failing[publish()] = OSError("no answer")
    watcher.poll()
    promotion.force(registry, 1, "a test")
    for _ in range(3):
        clock.now_s += 100
        assert not watcher.poll()
    assert loader.requested == [1, 2]
    assert watcher.load_error == ""


def test_a_bad_version_is_not_tried_at_every_poll(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int]
) -> None:
    loader.failing[publish()] = ModelError("it is bad")
    for _ in range(3):
        watcher.poll()
    assert loader.requested == [1]


def test_a_bad_first_version_is_the_reason_for_not_being_ready(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int]
) -> None:
    loader.failing[publish()] = ModelError("it is bad")
    watcher.poll()
    assert watcher.unready_reason() == "it is bad."


def test_a_bad_version_that_was_repaired_is_loaded_when_it_is_promoted_again(
    watcher: ModelWatcher, loader: Loader, registry: Registry, publish: Callable[[], int]
) -> None:
    publish()
    watcher.poll()
    loader.failing[publish()] = ModelError("it is bad")
    watcher.poll()
    promotion.force(registry, 1, "a test")
    watcher.poll()
    loader.failing.clear()
    promotion.force(registry, 2, "a test")
    assert watcher.poll()
    assert version_of(watcher) == 2
    assert watcher.refused == {}
    assert loader.requested == [1, 2, 2]


def test_a_registry_that_cannot_be_read_is_reported_and_polled_again(
    watcher: ModelWatcher, registry: Registry, publish: Callable[[], int]
) -> None:
    link = registry.root / "current"
    link.touch()
    assert not watcher.poll()
    assert "cannot be read as a link" in watcher.registry_error
    assert "cannot be read as a link" in (watcher.unready_reason() or "")
    link.unlink()
    publish()
    assert watcher.poll()
    assert watcher.registry_error == ""


def test_a_missing_current_link_changes_nothing(
    watcher: ModelWatcher, registry: Registry, publish: Callable[[], int]
) -> None:
    publish()
    watcher.poll()
    (registry.root / "current").unlink()
    assert not watcher.poll()
    assert version_of(watcher) == 1


def test_a_parity_error_is_reported_until_it_ends(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int]
) -> None:
    publish()
    watcher.poll()
    watcher.check()
    assert watcher.unready_reason() is None
    loader.backend.offset = 0.1
    watcher.check()
    assert "does not answer its golden frames" in (watcher.unready_reason() or "")
    assert version_of(watcher) == 1
    loader.backend.offset = 0.0
    watcher.check()
    assert watcher.unready_reason() is None


def test_a_new_version_clears_the_parity_error_of_the_last_one(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int]
) -> None:
    publish()
    watcher.poll()
    loader.backend.offset = 0.1
    watcher.check()
    loader.backend = Drifting()
    publish()
    watcher.poll()
    assert watcher.unready_reason() is None


def test_without_a_model_there_is_no_parity_error(watcher: ModelWatcher) -> None:
    watcher.check()
    assert watcher.parity_error == ""
