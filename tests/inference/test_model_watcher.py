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
from contract.policy.policy import LoadedPolicy
from inference.model_watcher import ModelWatcher


class Drifting:
    """A backend whose predictions a test can change."""

    offset = 0.0

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.full(len(frames), self.offset, np.float32)


GOLDEN = Golden(np.zeros((COUNT, 128, 128, 3), np.uint8), np.zeros(COUNT, np.float32))


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


@pytest.fixture
def watcher(registry: Registry, loader: Loader) -> ModelWatcher:
    return ModelWatcher(registry, loader)


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


@pytest.mark.parametrize("error", [ModelError("it is bad"), OSError("it is bad"), KeyError("bad")])
def test_a_bad_version_is_refused_and_the_old_one_stays(
    watcher: ModelWatcher, loader: Loader, publish: Callable[[], int], error: Exception
) -> None:
    publish()
    watcher.poll()
    loader.failing[publish()] = error
    assert not watcher.poll()
    assert version_of(watcher) == 1
    assert "bad" in watcher.refused[2]
    assert watcher.unready_reason() is None


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
