"""What a training learns from: options become samples, and what validates is never among them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.data.rows import dataset, rows

from contract.dataset.frame_blocks import BlockLayout
from contract.errors import TrainingError
from contract.train_config import TrainConfig
from trainer.data import pipeline
from trainer.data.dataset_rows import DatasetRows
from trainer.data.pipeline import TrainingData

PLAIN: dict[str, Any] = {
    "cameras": False,
    "flip": False,
    "label_smoothing_s": 0.0,
    "steering_correction": 0.25,
    "validation_gap_s": 0.5,
    "split": "blocks",
}


def config(**changes: Any) -> TrainConfig:
    return TrainConfig(**{**PLAIN, **changes})


def prepared(**changes: Any) -> TrainingData:
    return pipeline.prepare([dataset(rows(600)), dataset(rows(300, 9000.0))], config(**changes))


def test_the_plain_samples_are_the_rows_that_train() -> None:
    data = prepared()
    trained = data.table.samples[data.table.train]
    for store in range(2):
        of_store = trained[trained["store"] == store]
        assert of_store["row"].tolist() == np.flatnonzero(data.split.train[store]).tolist()
        np.testing.assert_allclose(of_store["label"], of_store["row"] / 1000, atol=1e-7)
    validated = data.table.samples[data.table.validation]
    for store in range(2):
        numbers = np.flatnonzero(data.split.validation[store]).tolist()
        assert validated[validated["store"] == store]["row"].tolist() == numbers


def test_what_was_held_is_the_steering_one_row_before() -> None:
    data = prepared()
    validated = data.table.samples[data.table.validation]
    assert len(data.held_steering) == len(validated)
    before = np.maximum(validated["row"] - 1, 0) / 1000
    np.testing.assert_allclose(data.held_steering, before, atol=1e-7)


@pytest.mark.parametrize(
    ("changes", "times"),
    [({"cameras": True}, 3), ({"flip": True}, 2), ({"cameras": True, "flip": True}, 6)],
)
def test_cameras_and_mirror_images_multiply_the_samples_that_train_alone(
    changes: dict[str, Any], times: int
) -> None:
    plain, more = prepared(), prepared(**changes)
    assert len(more.table.train) == times * len(plain.table.train)
    assert len(more.table.train_centre) == len(plain.table.train_centre)
    assert len(more.table.validation) == len(plain.table.validation)


def test_the_correction_is_that_of_the_options() -> None:
    data = prepared(cameras=True, steering_correction=0.25)
    trained = data.table.samples[data.table.train]
    shift = np.round(trained["label"] - trained["row"] / 1000, 6)
    assert dict(zip(trained["frame"] % 3, shift, strict=True)) == {0: 0.0, 1: 0.25, 2: -0.25}


def test_earlier_frames_are_those_of_the_options() -> None:
    data = prepared(history=2)
    trained = data.table.samples[data.table.train]
    ages = trained["row"] - trained["frame"] // 3
    assert set(ages.tolist()) == {0, 1, 2}


def test_labels_are_smoothed_and_bins_are_cut_as_the_options_say() -> None:
    impulse = rows(600)
    impulse["steering"] = 0
    impulse["steering"][::2] = 1
    smoothed = pipeline.prepare([dataset(impulse)], config(label_smoothing_s=1.0))
    labels = smoothed.table.samples[smoothed.table.train]["label"]
    assert 0.3 < labels.min() <= labels.max() < 0.7  # five or six of eleven rows are 1
    rare = rows(600)
    rare["steering"] = np.where(np.arange(600) % 10 == 0, 0.5, 0.0)
    every, cut = (
        pipeline.prepare([dataset(rare)], config(max_bin_ratio=ratio)) for ratio in (0.0, 0.5)
    )
    count = {
        value: int((cut.table.samples[cut.table.train]["label"] == value).sum())
        for value in (0.0, 0.5)
    }
    total = len(every.table.train)
    assert count[0.0] == pytest.approx(total / 4, abs=1)  # half of the mean of two bins
    assert count[0.5] == pytest.approx(total / 10, abs=6)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_share_gap_and_seed_of_the_split_are_those_of_the_options(share: float) -> None:
    data = prepared(validation_share=share, validation_gap_s=0.9)
    for store, start in ((0, 1000.0), (1, 9000.0)):
        train, held = data.split.train[store], data.split.validation[store]
        assert held.mean() == pytest.approx(share, abs=0.01)
        time_s = start + np.arange(len(train)) * 0.1
        gap = np.abs(time_s[train][:, None] - time_s[held]).min()
        assert 0.9 < gap < 1.1
    other = prepared(validation_share=share, validation_gap_s=0.9, seed=2)
    assert not np.array_equal(other.split.validation[0], data.split.validation[0])


def test_rows_that_trained_an_ancestor_do_not_validate() -> None:
    seen = [np.arange(600) < 400, np.zeros(300, bool)]
    datasets = [dataset(rows(600)), dataset(rows(300, 9000.0))]
    data = pipeline.prepare(datasets, config(), seen)
    assert data.split.validation[0].any()
    assert not data.split.validation[0][:400].any()
    assert data.split.train[0][:400].all()


def test_the_seed_of_the_labels_may_be_another_one() -> None:
    """`lapwing explain` shows the labels of a training whose seed it knows."""
    whole = [dataset(rows(600))]
    masks = [np.ones(600, bool)]
    whole[0].table["steering"] = 0
    kept = [
        pipeline.label(whole, masks, config(max_bin_ratio=0.5), seed)[0].kept for seed in (1, 1, 2)
    ]
    assert kept[0].sum() == 300
    assert np.array_equal(kept[0], kept[1])
    assert not np.array_equal(kept[0], kept[2])


def test_the_augmentation_is_that_of_the_options() -> None:
    options = {
        "brightness": 0.1,
        "shadow": 0.2,
        "blur": 0.3,
        "shift_m": 0.4,
        "turn_deg": 0.5,
        "recovery_time_s": 0.6,
    }
    made = pipeline.augmentation(config(**options))
    assert {name: getattr(made, name) for name in options} == options


@pytest.mark.parametrize("shuffle", ["exact", "blocks", "none"])
def test_a_shuffle_that_was_chosen_is_not_measured(shuffle: str) -> None:
    gone = [BlockLayout(Path("/gone"), 1 << 40, 32, np.zeros(1, np.int64))]
    assert pipeline.choose_shuffle(gone, config(shuffle=shuffle)) == shuffle


def test_frames_that_stay_in_memory_are_shuffled_without_measuring_the_disk() -> None:
    gone = [BlockLayout(Path("/gone"), 10, 32, np.zeros(1, np.int64))] * 2
    assert pipeline.choose_shuffle(gone, config()) == "exact"


def stands_and_swings() -> DatasetRows:
    """Return 90 s of driving, of which the car stands for 10 s and swings for 20 s."""
    table = rows(900)
    time_s = np.arange(900) / 10
    table["speed_mph"] = np.where(time_s < 10, 0.0, 25.0)
    swings = (time_s >= 40) & (time_s < 60)
    table["steering"] = np.where(swings, 0.3 * np.sin(2 * np.pi * time_s / 2.5), 0.02)
    return dataset(table)


def test_rows_that_are_unfit_neither_train_nor_validate() -> None:
    recording = stands_and_swings()
    data = pipeline.prepare([recording], config())
    used = data.split.train[0] | data.split.validation[0]
    assert not used[:100].any()
    assert not used[420:580].any()
    assert used[100:380].mean() > 0.8
    assert data.unfit == [recording.fitness.count(recording.usable)]
    assert data.unfit[0]["standing"] == 100
    assert 150 < data.unfit[0]["swinging"] < 220
    trained = data.table.samples[data.table.train]
    assert np.array_equal(np.unique(trained["row"]), np.flatnonzero(data.split.train[0]))


def test_an_option_keeps_the_rows_that_are_unfit() -> None:
    data = pipeline.prepare([stands_and_swings()], config(leave_out_unfit=False))
    assert data.unfit == [{}]
    assert (data.split.train[0] | data.split.validation[0])[:100].any()


def test_the_corrections_of_an_expert_are_fit_whatever_they_are() -> None:
    """In DAgger's recordings a model drove; the steering tells nothing about the car's path."""
    corrections = dataclasses.replace(stands_and_swings(), corrections=True)
    assert corrections.fitness.fit.all()


def test_a_recording_without_a_fit_row_is_told_and_the_others_train() -> None:
    standing = rows(300, 9000.0)
    standing["speed_mph"] = 0.0
    data = pipeline.prepare([dataset(rows(600)), dataset(standing)], config())
    assert data.unfit == [{}, {"standing": 300}]
    assert not (data.split.train[1] | data.split.validation[1]).any()


def test_a_training_without_any_fit_row_is_refused() -> None:
    standing = rows(300)
    standing["speed_mph"] = 0.0
    with pytest.raises(TrainingError, match="unfit to learn from") as refused:
        pipeline.prepare([dataset(standing)], config())
    assert "300 rows (300 standing)" in str(refused.value)
    assert "--no-leave-out-unfit" in str(refused.value)


def test_each_sample_has_the_speed_that_its_driver_was_heading_for() -> None:
    """On a ramp the label is what is driven half a second later; a camera changes nothing of it."""
    ramp = rows(600)
    ramp["speed_mph"] = 10 + np.arange(600) / 60
    plain = rows(300, 9000.0)  # 10 mph
    options = config(learn_speed=True, cameras=True, flip=True)
    table = pipeline.prepare([dataset(ramp), dataset(plain)], options).table
    assert table.speed is not None
    assert table.speed.shape == table.samples.shape
    known = np.isfinite(table.speed)
    row, store = table.samples["row"], table.samples["store"]
    # No label looks beyond the end: half a second of the 60 and the 30.
    assert np.array_equal(known, row < np.where(store == 0, 595, 295))
    inside = known & (row > 5) & (row < 590)
    expected = np.where(store == 0, 10 + (row + 5) / 60, 10.0) / 30
    np.testing.assert_allclose(table.speed[inside], expected[inside], atol=1e-5)
    assert pipeline.prepare([dataset(ramp)], config()).table.speed is None


def test_corrections_of_an_expert_teach_no_speed() -> None:
    """In DAgger's recordings a controller held a speed; their rows train the steering alone."""
    corrections = dataclasses.replace(dataset(rows(600)), corrections=True)
    driven = dataset(rows(300, 9000.0))
    table = pipeline.prepare([corrections, driven], config(learn_speed=True)).table
    assert table.speed is not None
    of_corrections = table.samples["store"] == 0
    assert np.isnan(table.speed[of_corrections]).all()
    assert np.isfinite(table.speed[~of_corrections]).mean() > 0.9
    with pytest.raises(TrainingError, match=r"which speed its driver would hold.*by DAgger"):
        pipeline.prepare([corrections], config(learn_speed=True))
