import keras
import numpy as np
import pytest

from contract.train_config import NETWORKS
from trainer.graph.squeeze_excitation import LapwingSqueezeExcitation
from trainer.training import network_builder

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
    return network_builder.build()


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
    mixed = network_builder.build(dtype="mixed_bfloat16")
    assert mixed.get_layer("conv_1").compute_dtype == "bfloat16"
    assert mixed.outputs[0].dtype == "float32"


def test_pixels_are_scaled_in_float32_in_mixed_precision() -> None:
    """In bfloat16, 1/127.5 is 0.00787 and not 0.00784: the network would learn other contrasts."""
    scaling = network_builder.build(dtype="mixed_bfloat16").get_layer("scaling")
    levels = np.arange(256, dtype=np.uint8)
    scaled = np.asarray(scaling(np.broadcast_to(levels[:, None], (1, 1, 256, 3))))
    np.testing.assert_allclose(scaled[0, 0, :, 0], levels / 127.5 - 1, atol=1e-6)


# The planes of figure 4 of Bojarski et al. 2016, as (rows, columns, planes).
PILOTNET_PLANES = [(66, 200, 3), (31, 98, 24), (14, 47, 36), (5, 22, 48), (3, 20, 64), (1, 18, 64)]


def test_pilotnet_has_the_planes_and_connections_of_its_paper() -> None:
    """The paper has 250 thousand parameters and 27 million connections, each of them rounded."""
    network = network_builder.build("pilotnet")
    images = [tuple(layer.output.shape[1:]) for layer in network.layers[2:8]]
    assert images == PILOTNET_PLANES
    connections = 0
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            positions = np.prod(layer.output.shape[1:-1], dtype=int)
            connections += int(positions) * int(np.prod(layer.kernel.shape))
    assert round(connections / 1e6) == 27
    assert round(network.count_params() / 10_000) * 10_000 == 250_000


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # 24, 36, 48, 64 and 64 filters; of the last, 1 x 18 and 2 x 9 values are left.
        pytest.param("nvidia-like", 131_348 + 115_300 + 5_050 + 510 + 11, id="nvidia-like"),
        pytest.param("pilotnet", 131_348 + 115_300 + 5_050 + 510 + 11, id="pilotnet"),
        pytest.param(
            "wide",
            (75 * 36 + 36) + (900 * 54 + 54) + (1350 * 72 + 72) + (648 * 96 + 96) + (864 * 96 + 96)
            + (1728 * 200 + 200) + (200 * 100 + 100) + (100 * 20 + 20) + 21,
            id="wide",
        ),
        # Each gate has two kernels of channels x units, with units + channels for their biases.
        pytest.param(
            "squeeze-excitation",
            252_219 + (2 * 144 + 30) + (2 * 324 + 45) + (2 * 576 + 60) + 2 * (2 * 1024 + 80),
            id="squeeze-excitation",
        ),
    ],
)  # fmt: skip
def test_keras_counts_the_parameters_that_are_counted_by_hand(name: str, parameters: int) -> None:
    assert network_builder.build(name).count_params() == parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_takes_frames_and_gives_steering(name: str) -> None:
    network = network_builder.build(name, "mixed_bfloat16")
    frames = np.random.default_rng(1).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    assert network.inputs[0].dtype == "uint8"
    assert network.outputs[0].dtype == "float32"
    assert network.predict_on_batch(frames).shape == (2, 1)


def test_a_gate_multiplies_each_channel_by_its_share() -> None:
    """The formula of Hu et al. 2018, section 3, in NumPy: sigmoid(relu(mean W1 + b1) W2 + b2)."""
    gate = LapwingSqueezeExcitation(2)
    rng = np.random.default_rng(2)
    images = rng.normal(size=(3, 4, 5, 6)).astype(np.float32)
    gate.build(images.shape)
    reduce, reduce_bias = rng.normal(size=(6, 2)), rng.normal(size=2)
    expand, expand_bias = rng.normal(size=(2, 6)), rng.normal(size=6)
    gate.set_weights([reduce, reduce_bias, expand, expand_bias])
    means = images.reshape(3, 20, 6).mean(1)
    logits = np.clip(means @ reduce + reduce_bias, 0, None) @ expand + expand_bias
    shares = 1 / (1 + np.exp(-logits))
    expected = np.einsum("nhwc,nc->nhwc", images, shares)
    np.testing.assert_allclose(np.asarray(gate(images)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_learns_the_speed_has_one_more_unit_in_its_last_layer(name: str) -> None:
    plain, learning = network_builder.build(name), network_builder.build(name, learn_speed=True)
    assert tuple(learning.layers[-1].output.shape) == (None, 2)
    assert [layer.name for layer in learning.layers[:-1]] == [
        layer.name for layer in plain.layers[:-1]
    ]
    given = plain.layers[-2].output.shape[-1]
    assert learning.count_params() == plain.count_params() + given + 1
    mixed = network_builder.build(name, "mixed_bfloat16", learn_speed=True)
    assert mixed.layers[-1].compute_dtype == "float32"
