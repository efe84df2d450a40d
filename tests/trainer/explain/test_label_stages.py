import dataclasses

import numpy as np
from support.data import rows

from contract.dataset.store_catalog import StoreManifest
from contract.train_config import TrainConfig
from trainer.explain import label_stages
from trainer.explain.provenance import TrainingRecording


def source(number: int = 0) -> TrainingRecording:
    table = rows.rows(60)
    table["steering"] = np.where(np.arange(60) % 10 == 0, 0.5, 0.0)
    manifest = StoreManifest(f"lake-{number}", 2, {}, 60, 180, 0, 32, [], "", {}, {}, "")
    train = np.arange(60) < 40
    return TrainingRecording(number, manifest, rows.dataset(table), train, np.arange(60) > 50)


def test_labels_are_given_at_each_stage() -> None:
    recorded, smoothed, rebalanced, expanded = label_stages.label_stages(
        [source(), source(1)],
        TrainConfig(label_smoothing_s=1.0, max_bin_ratio=1.0, steering_correction=0.25, history=1),
    )
    assert (len(recorded.steering), len(smoothed.steering)) == (80, 80)
    assert np.mean(recorded.steering == 0) == 0.9
    assert smoothed.steering.max() < 0.1 < recorded.steering.max()
    assert len(rebalanced.steering) < 80
    assert expanded.steering.max() > 0.25
    np.testing.assert_allclose(expanded.steering.sum(), 0, atol=1e-3)  # of mirror images
    assert (smoothed.note, rebalanced.note) == ("means over 1 s", "no bin above 1 x the mean")
    assert expanded.note == "side cameras, steering ± 0.25, 1 earlier frames, mirror images"


def test_the_rows_that_were_left_out_as_unfit_are_told() -> None:
    unfit = [{"standing": 20, "swinging": 4}, {"standing": 1}, {}]
    recordings = [dataclasses.replace(source(), unfit=counts) for counts in unfit]
    recorded, *_ = label_stages.label_stages(recordings, TrainConfig())
    assert recorded.note == (
        "what the driver did, without 25 rows (21 standing, 4 swinging) that are unfit"
    )
    recorded, smoothed, *_ = label_stages.label_stages([source()], TrainConfig())
    assert recorded.note == "what the driver did"
    assert smoothed.note == "spread as far as the driven path allows"


def test_a_stage_that_the_training_did_not_use_says_so() -> None:
    recorded, smoothed, rebalanced, expanded = label_stages.label_stages(
        [source()], TrainConfig(cameras=False, flip=False, label_smoothing_s=0.0)
    )
    for each in (smoothed, rebalanced, expanded):
        np.testing.assert_array_equal(each.steering, recorded.steering)
        assert each.note.startswith("not used")


def test_the_expansion_says_that_side_cameras_are_labelled_by_geometry() -> None:
    *_, expanded = label_stages.label_stages([source()], TrainConfig(flip=False))
    assert expanded.note == "side cameras, steered back within 0.6 s"
