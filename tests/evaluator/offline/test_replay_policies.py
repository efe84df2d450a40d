import numpy as np
import pytest

from contract.errors import SettingError
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.replay_policies import make_policy

STEERING = np.array([0.25, -0.5, 0.0])
DRIVE = LoggedDrive(
    name="drive",
    time_s=np.arange(3.0),
    steering=STEERING,
    speed_mps=np.full(3, 10.0),
    segment=np.zeros(3, np.int64),
    row_numbers=np.arange(3),
    image_paths=(),
    left_out=0,
    nominal=False,
)


def fail(row: int) -> np.ndarray:
    raise AssertionError("a policy without a model asks for a view")


@pytest.mark.parametrize(("name", "factor"), [("recorded", 1), ("zero", 0), ("mirrored", -1)])
def test_policies_without_a_model_ask_for_no_view(name: str, factor: int) -> None:
    policy = make_policy(name, DRIVE, None, 1)
    assert [policy(row, fail) for row in range(3)] == (factor * STEERING).tolist()


def test_a_model_gets_the_picture_which_it_prepares_by_itself() -> None:
    shapes = []

    def steer(picture: np.ndarray) -> float:
        shapes.append((picture.shape, picture.dtype))
        return 0.5

    policy = make_policy("model", DRIVE, steer, 1)
    assert policy(1, lambda row: np.zeros((160, 320, 3), np.uint8)) == 0.5
    assert shapes == [((160, 320, 3), np.uint8)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("best", "there is no such policy: got best"),
        ("model", "needs a model"),
        ("shuffled", "needs"),
    ],
)
def test_an_unknown_policy_or_a_missing_model_is_an_error(name: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make_policy(name, DRIVE, None, 1)
