import keras
import numpy as np
import pytest

from trainer.training import pilotnet

# The table of the original write-up: layer, output shape, parameters.
TABLE = [
    ("cropping", (None, 73, 128, 3), 0),
    ("scaling", (None, 73, 128, 3), 0),
    ("conv_1", (None, 35, 62, 24), 1824),
    ("conv_2", (None, 16, 29, 36), 21636),
    ("conv_3", (None, 6, 13, 48), 43248),
    ("conv_4", (None, 4, 11, 64), 27712),
    ("conv_5", (None, 2, 9, 64), 36928),
    ("dropout_1", (None, 2, 9, 64), 0),
    ("flatten", (None, 1152), 0),
    ("dense_1", (None, 100), 115300),
    ("dropout_2", (None, 100), 0),
    ("dense_2", (None, 50), 5050),
    ("dense_3", (None, 10), 510),
    ("steering", (None, 1), 11),
]


@pytest.fixture(scope="module")
def built() -> keras.Model:
    return pilotnet.build()


@pytest.mark.parametrize(
    ("number", "name", "shape", "parameters"), [(number, *row) for number, row in enumerate(TABLE)]
)
def test_each_layer_is_as_in_the_table(
    built: keras.Model, number: int, name: str, shape: tuple[int | None, ...], parameters: int
) -> None:
    layer = built.layers[number]
    assert (layer.name, tuple(layer.output.shape), layer.count_params()) == (
        name,
        shape,
        parameters,
    )


def test_the_network_has_the_tables_layers_and_parameters(built: keras.Model) -> None:
    assert len(built.layers) == len(TABLE)
    assert built.count_params() == 252_219


def test_convolutions_and_hidden_layers_are_elu(built: keras.Model) -> None:
    bent = [layer for layer in built.layers if hasattr(layer, "activation")]
    assert [layer.activation.__name__ for layer in bent] == ["elu"] * 8 + ["linear"]


def test_sky_and_bonnet_do_not_change_the_steering(built: keras.Model) -> None:
    seen = np.random.default_rng(1).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    other = seen.copy()
    other[:, :43] = 0
    other[:, -12:] = 255
    np.testing.assert_array_equal(built.predict_on_batch(seen), built.predict_on_batch(other))


def test_the_first_and_last_rows_of_the_crop_change_the_steering(built: keras.Model) -> None:
    seen = np.full((1, 128, 128, 3), 128, dtype=np.uint8)
    # Of the 73 rows that are left, the strides of the convolutions pass over the last four.
    for row in (43, 111):
        other = seen.copy()
        other[:, row] = 255
        assert (built.predict_on_batch(seen) != built.predict_on_batch(other)).any()


def test_pixels_are_scaled_to_one_around_zero(built: keras.Model) -> None:
    scaling = built.get_layer("scaling")
    scaled = np.asarray(scaling(np.array([[[[0, 127.5, 255]]]], np.float32)))
    np.testing.assert_allclose(scaled.ravel(), [-1, 0, 1], atol=1e-6)


def test_the_steering_is_float32_in_mixed_precision() -> None:
    mixed = pilotnet.build("mixed_bfloat16")
    assert mixed.get_layer("conv_1").compute_dtype == "bfloat16"
    assert mixed.outputs[0].dtype == "float32"


def test_pixels_are_scaled_in_float32_in_mixed_precision() -> None:
    """In bfloat16, 1/127.5 is 0.00787 and not 0.00784: the network would learn other contrasts."""
    scaling = pilotnet.build("mixed_bfloat16").get_layer("scaling")
    levels = np.arange(256, dtype=np.uint8)
    scaled = np.asarray(scaling(np.broadcast_to(levels[:, None], (1, 1, 256, 3))))
    np.testing.assert_allclose(scaled[0, 0, :, 0], levels / 127.5 - 1, atol=1e-6)
