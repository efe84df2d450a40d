import numpy as np
import pytest

from contract.errors import SettingError
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.replay_policies import make_policy

STEERING = np.array([0.25, -0.5, 0.0])
ROAD = LoggedDrive(
    name="road",
    time_s=np.arange(3.0),
    steering=STEERING,
    speed_mps=np.full(3, 10.0),
    segment=np.zeros(3, np.int64),
    number=np.arange(3),
    image_paths=(),
    left_out=0,
    nominal=False,
)


def unseen(row: int) -> np.ndarray:
    raise AssertionError("a blind policy looks")


@pytest.mark.parametrize(("name", "factor"), [("recorded", 1), ("zero", 0), ("mirrored", -1)])
def test_the_blind_do_not_look(name: str, factor: int) -> None:
    chosen = make_policy(name, ROAD, None, 1)
    assert [chosen(row, unseen) for row in range(3)] == (factor * STEERING).tolist()


def test_a_model_sees_prepared_frames() -> None:
    shapes = []

    def steer(seen: np.ndarray) -> float:
        shapes.append((seen.shape, seen.dtype))
        return 0.5

    chosen = make_policy("model", ROAD, steer, 1)
    assert chosen(1, lambda row: np.zeros((160, 320, 3), np.uint8)) == 0.5
    assert shapes == [((128, 128, 3), np.uint8)]


@pytest.mark.parametrize(
    ("name", "message"),
    [("best", "no such policy: got best"), ("model", "needs a model"), ("shuffled", "needs")],
)
def test_what_there_is_not_is_said(name: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make_policy(name, ROAD, None, 1)
