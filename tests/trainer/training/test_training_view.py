"""The network for cropped frames: it computes what the whole network does of whole frames."""

import keras
import numpy as np
import pytest

from contract.frames.row_range import ALL_ROWS, RowRange
from trainer.training import network_builder, training_view

FRAMES = np.random.default_rng(1).integers(0, 256, (6, 128, 128, 3), dtype=np.uint8)


def small_network(*layers: keras.layers.Layer) -> keras.Sequential:
    frame = keras.Input((128, 128, 3), dtype="uint8")
    return keras.Sequential([frame, *layers, keras.layers.Flatten(), keras.layers.Dense(1)])


@pytest.fixture(scope="module")
def network() -> keras.Sequential:
    keras.utils.set_random_seed(1)
    return network_builder.build()


def test_the_visible_rows_are_those_that_the_first_layer_leaves(network: keras.Sequential) -> None:
    rows = training_view.visible_rows(network)
    assert rows == RowRange(43, 116)
    cropped = np.asarray(network.layers[0](FRAMES))
    np.testing.assert_array_equal(cropped, FRAMES[:, rows.slice])


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([], id="no crop"),
        pytest.param([keras.layers.Cropping2D(((0, 0), (4, 4)))], id="sides"),
        pytest.param([keras.layers.Cropping2D(((9, 9), (4, 4)))], id="rows and sides"),
        pytest.param([keras.layers.AveragePooling2D(2), keras.layers.Cropping2D(4)], id="later"),
    ],
)
def test_other_networks_see_all_rows_and_are_trained_as_they_are(
    layers: list[keras.layers.Layer],
) -> None:
    other = small_network(*layers)
    assert training_view.visible_rows(other) == ALL_ROWS
    assert training_view.of(other) is other


@pytest.mark.parametrize("crop", [(0, 12), (43, 0), (7, 100)], ids=str)
def test_a_crop_at_one_end_is_understood(crop: tuple[int, int]) -> None:
    other = small_network(keras.layers.Cropping2D((crop, (0, 0))))
    rows = training_view.visible_rows(other)
    whole = np.asarray(other(FRAMES))
    part = np.asarray(training_view.of(other)(FRAMES[:, rows.slice]))
    np.testing.assert_array_equal(part, whole)


def test_the_view_computes_the_same_steering(network: keras.Sequential) -> None:
    view = training_view.of(network)
    whole = np.asarray(network(FRAMES))
    np.testing.assert_array_equal(np.asarray(view(FRAMES[:, 43:116])), whole)
    assert np.ptp(whole) > 0


def test_a_step_of_the_view_trains_the_network(network: keras.Sequential) -> None:
    view = training_view.of(network)
    before = [weight.copy() for weight in network.get_weights()]
    view.compile(optimizer="sgd", loss="mse")
    view.train_on_batch(FRAMES[:, 43:116], np.ones((6, 1)))
    after = network.get_weights()
    assert all((old != new).any() for old, new in zip(before[::2], after[::2], strict=True))
    for mine, its in zip(view.get_weights(), after, strict=True):
        np.testing.assert_array_equal(mine, its)
