import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from contract.dataset import store
from contract.frames.preprocess import Frame
from evaluator.offline import log_replay_eval
from evaluator.offline.stored_drive import StoredDrive, select_rows


@contextmanager
def opened(data: Path, name: str, piece_s: float | None) -> Iterator[StoredDrive]:
    [manifest] = [each for each in store.read_manifests(data) if each.dataset.startswith(name)]
    with store.open_store(data, manifest) as reader:
        made = select_rows(name, reader, np.ones(manifest.rows, bool), piece_s)
        assert made is not None
        yield made


@pytest.fixture(scope="module")
def road(data: Path) -> Iterator[StoredDrive]:
    """The recording by one camera, in four pieces of about 4 s."""
    with opened(data, "long", 4.0) as made:
        yield made


@pytest.fixture(scope="module")
def three(data: Path) -> Iterator[StoredDrive]:
    """The one by three cameras, whole."""
    with opened(data, "short", None) as made:
        yield made


class Recalling:
    """Steers as was recorded, whatever it sees: each row is shown once."""

    def __init__(self, road: StoredDrive, off: float = 0.0) -> None:
        self.answers = iter(np.clip(road.steering + off, -1, 1).tolist())
        self.seen: list[Frame] = []

    def __call__(self, frame: Frame) -> float:
        self.seen.append(frame)
        return float(next(self.answers))


def test_who_steers_as_was_recorded_keeps_to_the_path(road: StoredDrive) -> None:
    driver = Recalling(road)
    kept = log_replay_eval.path_keeping_percent(road, driver)
    assert kept.tolist() == [100.0] * 4
    assert [each.shape for each in driver.seen] == [(128, 128, 3)] * 252
    # On the path nothing is warped: the network is shown the store's own pixels.
    assert np.array_equal(driver.seen[7], road.image(7, 0))


def test_who_steers_beside_it_keeps_less_of_each_piece(road: StoredDrive) -> None:
    """By the definition: offsets beyond 3 m count as 3 m."""
    off = 0.1
    kept = log_replay_eval.path_keeping_percent(road, Recalling(road, off))
    left_m = np.abs(log_replay_eval.replay_stored(road, Recalling(road, off), 3.0).left_m)
    expected = [
        100 * (1 - np.minimum(left_m[road.segment == piece], 3).mean() / 3) for piece in range(4)
    ]
    assert kept == pytest.approx(expected)
    assert (kept < 95).all()
    assert (log_replay_eval.path_keeping_percent(road, Recalling(road, 0.3)) < kept).all()


def test_hands_that_never_move_see_nothing_and_are_judged_alike(road: StoredDrive) -> None:
    blind = log_replay_eval.path_keeping_percent(road, None)
    assert blind == pytest.approx(log_replay_eval.path_keeping_percent(road, lambda frame: 0.0))
    assert blind.mean() > 50  # a figure that looks like driving


def test_a_document_tells_both_limits_and_whether_the_path_is_fit(road: StoredDrive) -> None:
    document, drives = log_replay_eval.evaluate_replays(road, lambda frame: 0.5)
    assert [each["limit_m"] for each in document["drives"]] == [1.0, 3.0]
    assert [each.limit_m for each in drives] == [1.0, 3.0]
    near, far = document["drives"]
    assert near["autonomy_percent"] < far["autonomy_percent"] < 100
    assert (document["dataset"], document["rows"], document["cameras"]) == ("long", 252, 1)
    assert set(document["reference"]) == {"swinging", "slipping", "unfit"}
    json.dumps(document, allow_nan=False)


def test_open_loop_stands_beside_its_baselines(three: StoredDrive) -> None:
    found = log_replay_eval.score_open_loop(three, lambda frame: 0.0)
    score = found["score"]
    assert score["mse"] == pytest.approx(float(np.mean(three.steering**2)))
    assert score["mse"] == score["mse_zero"]
    assert score["skill"] <= 0
    assert [each["camera"] for each in found["by_camera"]] == ["center", "left", "right"]
    assert sum(each["rows"] for each in found["by_bin"]) == found["rows"] == 60
    json.dumps(found, allow_nan=False)


def test_each_camera_is_asked_of_its_own_pictures(three: StoredDrive) -> None:
    seen: list[Frame] = []
    log_replay_eval.score_open_loop(three, lambda frame: float(seen.append(frame) or 0.0))
    assert len(seen) == 180
    for camera in range(3):
        assert np.array_equal(seen[60 * camera + 5], three.image(5, camera))
