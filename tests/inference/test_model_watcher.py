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
from inference.model_watcher import Follower


class Drifting:
    """A backend whose answers can be made others than they were."""

    offset = 0.0

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.full(len(frames), self.offset, np.float32)


GOLDEN = Golden(np.zeros((COUNT, 128, 128, 3), np.uint8), np.zeros(COUNT, np.float32))


class Loader:
    """Loads any version but those that it is told to fail at, and remembers what it was asked."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.failing: dict[int, Exception] = {}
        self.asked: list[int] = []
        self.checker = Drifting()

    def __call__(self, version: int) -> LoadedPolicy:
        self.asked.append(version)
        if version in self.failing:
            raise self.failing[version]
        return LoadedPolicy(self._registry.manifest(version), self.checker, GOLDEN)


@pytest.fixture
def publish(registry: Registry, tmp_path: Path) -> Callable[[], int]:
    """Publish one more version; its files are not looked at here."""
    network = tmp_path / "network"
    network.mkdir()
    (network / "model.h5").touch()

    def one_more() -> int:
        number = len(registry.versions()) + 1
        return models.publish(registry, network, f"job-{number}").version

    return one_more


@pytest.fixture
def loader(registry: Registry) -> Loader:
    return Loader(registry)


@pytest.fixture
def follower(registry: Registry, loader: Loader) -> Follower:
    return Follower(registry, loader)


def version_of(follower: Follower) -> int | None:
    return follower.pilot.manifest.version if follower.pilot else None


def test_nothing_is_ready_before_something_is_published(follower: Follower) -> None:
    assert not follower.look()
    assert follower.pilot is None
    assert follower.why_not_ready() == "no model is published yet"


def test_the_current_version_is_loaded_once(
    follower: Follower, loader: Loader, publish: Callable[[], int]
) -> None:
    publish()
    assert [follower.look() for _ in range(3)] == [True, False, False]
    assert loader.asked == [1]
    assert follower.why_not_ready() is None


def test_a_new_version_takes_over(follower: Follower, publish: Callable[[], int]) -> None:
    publish()
    follower.look()
    publish()
    assert follower.look()
    assert version_of(follower) == 2


def test_a_promoted_older_version_takes_over(
    follower: Follower, registry: Registry, publish: Callable[[], int]
) -> None:
    publish()
    publish()
    follower.look()
    promotion.force(registry, 1, "a test")
    assert follower.look()
    assert version_of(follower) == 1


@pytest.mark.parametrize("error", [ModelError("it is bad"), OSError("it is bad"), KeyError("bad")])
def test_a_bad_version_is_refused_and_the_old_one_stays(
    follower: Follower, loader: Loader, publish: Callable[[], int], error: Exception
) -> None:
    publish()
    follower.look()
    loader.failing[publish()] = error
    assert not follower.look()
    assert version_of(follower) == 1
    assert "bad" in follower.refused[2]
    assert follower.why_not_ready() is None


def test_a_bad_version_is_not_tried_at_every_look(
    follower: Follower, loader: Loader, publish: Callable[[], int]
) -> None:
    loader.failing[publish()] = ModelError("it is bad")
    for _ in range(3):
        follower.look()
    assert loader.asked == [1]


def test_a_first_version_that_is_bad_is_the_reason_for_not_being_ready(
    follower: Follower, loader: Loader, publish: Callable[[], int]
) -> None:
    loader.failing[publish()] = ModelError("it is bad")
    follower.look()
    assert follower.why_not_ready() == "it is bad."


def test_a_bad_version_that_was_mended_is_taken_when_it_is_promoted_again(
    follower: Follower, loader: Loader, registry: Registry, publish: Callable[[], int]
) -> None:
    publish()
    follower.look()
    loader.failing[publish()] = ModelError("it is bad")
    follower.look()
    promotion.force(registry, 1, "a test")
    follower.look()
    loader.failing.clear()
    promotion.force(registry, 2, "a test")
    assert follower.look()
    assert version_of(follower) == 2
    assert follower.refused == {}
    assert loader.asked == [1, 2, 2]


def test_a_registry_that_cannot_be_read_is_told_and_followed_again(
    follower: Follower, registry: Registry, publish: Callable[[], int]
) -> None:
    link = registry.root / "current"
    link.touch()
    assert not follower.look()
    assert "cannot be read as a link" in follower.trouble
    assert "cannot be read as a link" in (follower.why_not_ready() or "")
    link.unlink()
    publish()
    assert follower.look()
    assert follower.trouble == ""


def test_a_switch_that_is_gone_changes_nothing(
    follower: Follower, registry: Registry, publish: Callable[[], int]
) -> None:
    publish()
    follower.look()
    (registry.root / "current").unlink()
    assert not follower.look()
    assert version_of(follower) == 1


def test_a_pilot_that_drifts_is_told_until_it_does_no_more(
    follower: Follower, loader: Loader, publish: Callable[[], int]
) -> None:
    publish()
    follower.look()
    follower.check()
    assert follower.why_not_ready() is None
    loader.checker.offset = 0.1
    follower.check()
    assert "does not answer its golden frames" in (follower.why_not_ready() or "")
    assert version_of(follower) == 1
    loader.checker.offset = 0.0
    follower.check()
    assert follower.why_not_ready() is None


def test_another_version_is_not_blamed_for_the_last_one(
    follower: Follower, loader: Loader, publish: Callable[[], int]
) -> None:
    publish()
    follower.look()
    loader.checker.offset = 0.1
    follower.check()
    loader.checker = Drifting()
    publish()
    follower.look()
    assert follower.why_not_ready() is None


def test_without_a_pilot_there_is_nothing_to_check(follower: Follower) -> None:
    follower.check()
    assert follower.drift == ""
