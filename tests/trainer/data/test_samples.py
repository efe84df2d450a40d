from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.data.rows import dataset, rows

from contract.dataset import timeline
from contract.errors import TrainingError
from contract.vehicle import CAMERA_NAMES
from trainer.data import samples as index
from trainer.data import side_cameras
from trainer.data.samples import LabelledRecording
from trainer.data.split import split

PLAIN: dict[str, Any] = {
    "cameras": CAMERA_NAMES[:1],
    "labeller": side_cameras.make_labeller(0.2, 2.0),
    "flip": False,
    "history": 0,
}


def expand(table: np.ndarray, mask: np.ndarray | None = None, **changes: Any) -> np.ndarray:
    chosen = np.ones(len(table), bool) if mask is None else mask
    return index.expand([material(table, chosen)], **{**PLAIN, **changes})


def material(table: np.ndarray, mask: np.ndarray) -> LabelledRecording:
    return LabelledRecording(
        table, mask, mask, timeline.build(table["time_s"]).segment, table["steering"]
    )


def test_rows_without_expansion_are_their_centre_frames() -> None:
    samples = expand(rows(3))
    assert samples["frame"].tolist() == [0, 3, 6]
    np.testing.assert_allclose(samples["label"], [0, 0.001, 0.002], atol=1e-7)


def test_side_cameras_steer_back_to_the_middle() -> None:
    samples = expand(rows(1), cameras=CAMERA_NAMES)
    np.testing.assert_array_equal(samples["frame"], [0, 1, 2])
    np.testing.assert_allclose(samples["label"], [0.0, 0.2, -0.2], rtol=1e-6)


def test_a_camera_that_a_recording_lacks_gives_no_sample() -> None:
    assert len(expand(rows(4, sides=False), cameras=CAMERA_NAMES)) == 4


def test_a_mirror_image_has_the_opposite_steering() -> None:
    samples = expand(rows(3), flip=True)
    assert samples["flip"].tolist() == [False] * 3 + [True] * 3
    np.testing.assert_allclose(samples["label"][3:], -samples["label"][:3])


def test_history_shows_an_earlier_frame_with_a_later_steering() -> None:
    samples = expand(rows(4), history=2)
    pairs = list(zip(samples["frame"] // 3, samples["row"], strict=True))
    assert pairs == [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (1, 2), (2, 3), (0, 2), (1, 3)]


def test_history_does_not_cross_a_pause() -> None:
    table = rows(4)
    table["time_s"][2:] += 9
    samples = expand(table, history=1)
    assert (1, 2) not in zip(samples["frame"] // 3, samples["row"], strict=True)


def test_history_does_not_reach_into_rows_that_do_not_train() -> None:
    mask = np.array([True, False, True, True])
    samples = expand(rows(4), mask, history=2)
    assert set(samples["frame"] // 3) == {0, 2, 3}
    assert set(samples["row"]) == {0, 2, 3}


@given(history=st.integers(0, 4), flip=st.booleans(), seed=st.integers(0, 100))
def test_no_frame_of_validation_is_trained_on_in_any_form(
    history: int, flip: bool, seed: int
) -> None:
    tables = [rows(400), rows(300, start_s=5000)]
    parts = split([dataset(table) for table in tables], "blocks", 0.2, 1.0, seed)
    training = index.expand(
        [material(table, mask) for table, mask in zip(tables, parts.train, strict=True)],
        cameras=CAMERA_NAMES,
        labeller=PLAIN["labeller"],
        flip=flip,
        history=history,
    )
    validation = index.centre_frames(tables, parts.validation)
    moments = {(s, f // 3) for s, f in zip(validation["store"], validation["frame"], strict=True)}
    assert moments
    for store, frame, row in zip(
        training["store"], training["frame"], training["row"], strict=True
    ):
        assert (store, frame // 3) not in moments
        assert (store, row) not in moments


def test_a_training_without_samples_is_an_error() -> None:
    with pytest.raises(TrainingError, match="leaves no sample to train on"):
        expand(rows(3), np.zeros(3, bool))


def test_the_table_numbers_its_three_uses_one_after_another() -> None:
    a, b, c = (expand(rows(count)) for count in (4, 3, 2))
    table = index.build_table(a, b, c)
    assert [len(each) for each in (table.train, table.train_centre, table.validation)] == [4, 3, 2]
    np.testing.assert_array_equal(table.samples[table.train_centre], b)
    np.testing.assert_array_equal(table.samples[table.validation], c)


def test_the_labels_are_the_prepared_ones_not_the_recorded_ones() -> None:
    table = rows(3)
    learned = LabelledRecording(
        table,
        np.ones(3, bool),
        np.array([True, False, True]),
        timeline.build(table["time_s"]).segment,
        np.full(3, 0.5, np.float32),
    )
    samples = index.expand([learned], **{**PLAIN, "history": 1})
    assert samples["label"].tolist() == [0.5] * 3
    assert list(zip(samples["frame"] // 3, samples["row"], strict=True)) == [(0, 0), (2, 2), (1, 2)]


def test_a_sample_has_the_speed_of_the_car() -> None:
    table = rows(2)
    table["speed_mph"] = [0, 30]
    assert expand(table)["speed_mps"].tolist() == pytest.approx([0, 13.4112])


def test_a_camera_that_is_absent_is_not_labelled() -> None:
    """A recording without a speed has no side cameras, whose labels would need the speed."""
    table = rows(4, sides=False)
    table["speed_mph"] = np.nan
    labeller = side_cameras.make_labeller("auto", 2.0)
    assert len(expand(table, cameras=CAMERA_NAMES, labeller=labeller)) == 4


def test_the_labeller_is_told_metres_per_second() -> None:
    """The steering that leads back from a side camera depends on the speed."""
    table = rows(2)
    table["speed_mph"] = [0, 30]
    told: list[float] = []

    def labeller(steering: np.ndarray, camera: str, speed_mps: np.ndarray) -> np.ndarray:
        told.extend(speed_mps.tolist())
        return steering

    expand(table, labeller=labeller)
    assert told == pytest.approx([0, 13.4112])


def test_recordings_and_masks_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        index.centre_frames([rows(2), rows(2)], [np.ones(2, bool)])
