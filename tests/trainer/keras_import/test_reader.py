"""Model files of Keras 1, 2 and 3 are read; Keras itself can load only those of Keras 3."""

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from support.data import model_files, samples
from support.data.model_files import PICTURES, answers

from contract.errors import ModelError
from trainer.graph import numpy_backend
from trainer.graph.layers import Conv, Dense, Rescale
from trainer.keras_import import reader


@pytest.mark.parametrize("text", [True, False], ids=["str", "bytes"])
@pytest.mark.parametrize("release", [1, 2, 3])
def test_each_release_is_read(
    tmp_path: Path, expected: np.ndarray, release: int, text: bool
) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(release), release, text=text)
    found = reader.read(path)
    assert (found.keras, found.notes) == (model_files.RELEASES[release], ())
    assert found.normalized == "0.00784313725 * x - 1"
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_weights_may_lie_at_the_root(tmp_path: Path, expected: np.ndarray) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2, root="")
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def channels_first(release: int) -> list[model_files.Described]:
    """Return the same network with channels first, also in the order of its flattened values."""
    described = model_files.driver(release, first=True)
    kind, config, (kernel, bias) = described[-2]
    turned = kernel.reshape(4, 9, 4, 5).transpose(2, 0, 1, 3).reshape(-1, 5)
    described[-2] = (kind, config, [turned, bias])
    return described


@pytest.mark.parametrize("release", [1, 2, 3])
def test_channels_first_is_converted(tmp_path: Path, expected: np.ndarray, release: int) -> None:
    path = model_files.write(tmp_path / "m.h5", channels_first(release), release, backend="cntk")
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_flatten_may_move_the_channels_itself(tmp_path: Path, expected: np.ndarray) -> None:
    described = model_files.driver(2, first=True)
    described[-3] = ("Flatten", {"data_format": "channels_first"}, [])
    path = model_files.write(tmp_path / "m.h5", described, 2, backend="tensorflow")
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_theanos_kernels_are_turned(tmp_path: Path, expected: np.ndarray) -> None:
    described = channels_first(2)
    kind, config, (kernel, bias) = described[1]
    described[1] = (kind, config, [kernel[::-1, ::-1], bias])
    path = model_files.write(tmp_path / "m.h5", described, 2, backend="theano")
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_a_missing_backend_in_a_keras_1_file_is_noted(tmp_path: Path) -> None:
    path = model_files.write(tmp_path / "m.h5", channels_first(1), 1)
    assert "does not say whether Theano wrote it" in reader.read(path).notes[0]


def test_names_may_be_split_over_several_attributes(tmp_path: Path, expected: np.ndarray) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        names = list(group.attrs["layer_names"])
        del group.attrs["layer_names"]
        group.attrs["layer_names0"], group.attrs["layer_names1"] = names[:3], names[3:]
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_one_of_several_numbers_is_chosen(tmp_path: Path, expected: np.ndarray) -> None:
    described = model_files.driver(2)
    kind, config, (kernel, bias) = described[-1]
    wide = [np.hstack([kernel, kernel * 2]), np.hstack([bias, bias])]
    described[-1] = (kind, {**config, "units": 2}, wide)
    path = model_files.write(tmp_path / "m.h5", described, 2)
    with pytest.raises(ModelError, match="several outputs: got 2 numbers"):
        reader.read(path)
    np.testing.assert_allclose(answers(path, output=0), expected, atol=1e-5)
    np.testing.assert_allclose(answers(path, output=1), 2 * (expected - bias) + bias, atol=1e-5)


def test_a_file_of_todays_keras_is_read(tmp_path: Path) -> None:
    layers = keras.layers
    keras.utils.set_random_seed(2)
    network = keras.Sequential(
        [
            keras.Input((20, 40, 3)),
            layers.Cropping2D(((6, 2), (0, 0))),
            layers.Lambda(lambda x: x / 255.0 - 0.5),
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.SpatialDropout2D(0.2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="tanh"),
        ]
    )
    normal = network.layers[3]
    random = np.random.default_rng(1)
    normal.set_weights([random.uniform(0.5, 1.5, each.shape) for each in normal.get_weights()])
    network.compile("adam", "mse")
    network.save(tmp_path / "m.h5")
    found = reader.read(tmp_path / "m.h5")
    assert found.keras == keras.__version__
    np.testing.assert_allclose(
        numpy_backend.predict(found.network, PICTURES),
        network.predict_on_batch(PICTURES),
        atol=1e-5,
    )


def test_a_lambda_that_cannot_be_read_needs_a_formula(tmp_path: Path, expected: np.ndarray) -> None:
    described = model_files.driver(2)
    named = {**described[0][1], "function": "normalize", "function_type": "function"}
    described[0] = ("Lambda", named, [])
    path = model_files.write(tmp_path / "m.h5", described, 2)
    with pytest.raises(
        ModelError, match=r"code of .*lambda_1 \(Lambda\) cannot be read: .*normalize"
    ):
        reader.read(path)
    np.testing.assert_allclose(answers(path, normalize="x/127.5 - 1"), expected, atol=1e-5)


def test_a_lambda_that_can_be_read_decides(tmp_path: Path, expected: np.ndarray) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    np.testing.assert_allclose(answers(path, normalize="(x - 127.5) / 127.5"), expected, atol=1e-5)
    with pytest.raises(ModelError, match=r"something else than --normalize says: got 0\.00784"):
        reader.read(path, normalize="x/255")


@pytest.mark.parametrize(
    ("name", "first"),
    [("keras1.2.1_rgb2yuv_66x200.h5", Rescale), ("keras2.4.0_66x200.h5", Conv)],
)
def test_old_models_of_other_people_are_read(name: str, first: type) -> None:
    found = reader.read(samples.shared("data", "legacy-models", name))
    assert found.network.input_shape == (66, 200, 3)
    assert isinstance(found.network.layers[0], first)
    kernels = [each for each in found.network.layers if isinstance(each, Conv | Dense)]
    assert len(kernels) == 9
