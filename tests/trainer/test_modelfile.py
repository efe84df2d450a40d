"""Model files of Keras 1, 2 and 3, of which Keras itself can still load only the last."""

import contextlib
from pathlib import Path
from typing import Any

import h5py
import keras
import model_files
import numpy as np
import pytest
import samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.errors import ModelError
from trainer import forward, modelfile
from trainer.plain import Conv, Dense, Scale

PICTURES = np.random.default_rng(4).integers(0, 256, (5, 20, 40, 3)).astype(np.float32)


def answers(path: Path, **more: Any) -> np.ndarray:
    return forward.answers(modelfile.read(path, **more).network, PICTURES)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What Keras 3 answers, with the same weights in its own layers."""
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((20, 40, 3)),
            layers.Rescaling(1 / 127.5, offset=-1.0),
            layers.Conv2D(4, 3, strides=2, activation="elu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="tanh"),
            layers.Dense(1),
        ]
    )
    described = model_files.driver(2)
    network.set_weights([array for _, _, arrays in described for array in arrays])
    return np.asarray(network.predict_on_batch(PICTURES))


@pytest.mark.parametrize("text", [True, False], ids=["str", "bytes"])
@pytest.mark.parametrize("release", [1, 2, 3])
def test_each_release_is_read(
    tmp_path: Path, expected: np.ndarray, release: int, text: bool
) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(release), release, text=text)
    found = modelfile.read(path)
    assert (found.keras, found.notes) == (model_files.RELEASES[release], ())
    assert found.normalized == "0.00784313725 * x - 1"
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_weights_may_lie_at_the_root(tmp_path: Path, expected: np.ndarray) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2, root="")
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def channels_first(release: int) -> list[model_files.Described]:
    """Describe the same driver with its channels first; its flattened values are in that order."""
    described = model_files.driver(release, first=True)
    kind, config, (kernel, bias) = described[-2]
    turned = kernel.reshape(4, 9, 4, 5).transpose(2, 0, 1, 3).reshape(-1, 5)
    described[-2] = (kind, config, [turned, bias])
    return described


@pytest.mark.parametrize("release", [1, 2, 3])
def test_channels_first_is_turned_round(tmp_path: Path, expected: np.ndarray, release: int) -> None:
    path = model_files.write(tmp_path / "m.h5", channels_first(release), release, backend="cntk")
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_flatten_may_turn_pictures_by_itself(tmp_path: Path, expected: np.ndarray) -> None:
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


def test_what_keras_1_does_not_say_of_theano_is_noted(tmp_path: Path) -> None:
    path = model_files.write(tmp_path / "m.h5", channels_first(1), 1)
    assert "does not say whether Theano wrote it" in modelfile.read(path).notes[0]


def test_names_may_be_split_over_attributes(tmp_path: Path, expected: np.ndarray) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        names = list(group.attrs["layer_names"])
        del group.attrs["layer_names"]
        group.attrs["layer_names0"], group.attrs["layer_names1"] = names[:3], names[3:]
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def functional(release: int, outputs: int = 1) -> tuple[list[model_files.Described], Any]:
    """Describe the driver as a functional model, with a second head if asked."""
    described = model_files.driver(release)
    if release < 3:
        shape = described[0][1]["batch_input_shape"]
        described.insert(0, ("InputLayer", {"batch_input_shape": shape, "dtype": "float32"}, []))
    for _ in range(outputs - 1):
        described.append((*described[-1][:2], [described[-1][2][0] * 2, described[-1][2][1]]))
    made = model_files.layers(described, release)
    for number, layer in enumerate(made):
        name = layer["name"] = layer["config"]["name"]
        before = made[min(number - 1, len(made) - outputs - 1)]["config"]["name"]
        if number == 0:
            layer["inbound_nodes"] = []
        elif release < 3:
            layer["inbound_nodes"] = [[[before, 0, 0, {}]]]
        else:
            tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [before, 0, 0]}}
            layer["inbound_nodes"] = [{"args": [tensor], "kwargs": {}}]
        assert name
    ends = [[each["name"], 0, 0] for each in made[-outputs:]]
    config = {"name": "model_1", "layers": made, "input_layers": [[made[0]["name"], 0, 0]],
              "output_layers": ends[0] if release == 3 and outputs == 1 else ends}  # fmt: skip
    kind = "Functional" if release == 3 else "Model"
    return described, {"class_name": kind, "config": config}


@pytest.mark.parametrize("release", [1, 2, 3])
def test_a_functional_chain_is_read(tmp_path: Path, expected: np.ndarray, release: int) -> None:
    described, config = functional(release)
    path = model_files.write(tmp_path / "m.h5", described, release, config=config)
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


@pytest.mark.parametrize("release", [2, 3])
def test_of_several_outputs_one_is_chosen(
    tmp_path: Path, expected: np.ndarray, release: int
) -> None:
    described, config = functional(release, outputs=2)
    path = model_files.write(tmp_path / "m.h5", described, release, config=config)
    with pytest.raises(ModelError, match=r"several outputs: .*dense.* Say with --output"):
        modelfile.read(path)
    np.testing.assert_allclose(answers(path, output=0), expected, atol=1e-5)
    bias = described[-1][2][1]
    np.testing.assert_allclose(answers(path, output=1), 2 * (expected - bias) + bias, atol=1e-5)
    with pytest.raises(ModelError, match="no output 2"):
        modelfile.read(path, output=2)


def test_of_several_numbers_one_is_chosen(tmp_path: Path, expected: np.ndarray) -> None:
    described = model_files.driver(2)
    kind, config, (kernel, bias) = described[-1]
    wide = [np.hstack([kernel, kernel * 2]), np.hstack([bias, bias])]
    described[-1] = (kind, {**config, "units": 2}, wide)
    path = model_files.write(tmp_path / "m.h5", described, 2)
    with pytest.raises(ModelError, match="several outputs: got 2 numbers"):
        modelfile.read(path)
    np.testing.assert_allclose(answers(path, output=0), expected, atol=1e-5)
    np.testing.assert_allclose(answers(path, output=1), 2 * (expected - bias) + bias, atol=1e-5)


def test_what_keras_saves_today_is_read(tmp_path: Path) -> None:
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
    found = modelfile.read(tmp_path / "m.h5")
    assert found.keras == keras.__version__
    np.testing.assert_allclose(
        forward.answers(found.network, PICTURES), network.predict_on_batch(PICTURES), atol=1e-5
    )


def test_a_lambda_that_cannot_be_read_is_asked_for(tmp_path: Path, expected: np.ndarray) -> None:
    described = model_files.driver(2)
    named = {**described[0][1], "function": "normalize", "function_type": "function"}
    described[0] = ("Lambda", named, [])
    path = model_files.write(tmp_path / "m.h5", described, 2)
    with pytest.raises(ModelError, match=r"lambda_1 \(Lambda\) does cannot be read: .*normalize"):
        modelfile.read(path)
    np.testing.assert_allclose(answers(path, normalize="x/127.5 - 1"), expected, atol=1e-5)


def test_a_lambda_that_can_be_read_is_believed(tmp_path: Path, expected: np.ndarray) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    np.testing.assert_allclose(answers(path, normalize="(x - 127.5) / 127.5"), expected, atol=1e-5)
    with pytest.raises(ModelError, match=r"something else than --normalize says: got 0\.00784"):
        modelfile.read(path, normalize="x/255")


def spoiled(tmp_path: Path, number: int, **changes: Any) -> Path:
    """Write a driver of which one layer's options differ."""
    described = model_files.driver(2)
    kind, config, arrays = described[number]
    arrays = changes.pop("arrays", arrays)
    described[number] = (changes.pop("kind", kind), {**config, **changes}, arrays)
    return model_files.write(tmp_path / "m.h5", described, 2)


@pytest.mark.parametrize(
    ("number", "changes", "why"),
    [
        (3, {"kind": "LSTM"}, r"the layer lstm_4 \(LSTM\) is of a kind that is not understood"),
        (3, {"kind": "Merge"}, r"merge_4 \(Merge\) is of a kind"),
        (3, {"kind": "TimeDistributed", "layer": {}}, "timedistributed_4 .* contains other layers"),
        (1, {"activation": "my_own"}, "conv2d_2 .* activation that is not known: got my_own"),
        (6, {"activation": "softmax"}, "dense_7 .* tells classes apart"),
        (1, {"groups": 3}, "conv2d_2 .* in groups"),
        (1, {"padding": "causal"}, "conv2d_2 .* padding other than"),
        (1, {"strides": [0, 2]}, "conv2d_2 .* strides that cannot be"),
        (1, {"strides": [10**9, 2]}, "conv2d_2 .* strides that cannot be"),
        (1, {"filters": 5}, "conv2d_2 .* kernel of another size"),
        (1, {"arrays": []}, "conv2d_2 .* other weights than a kernel"),
        (5, {"arrays": [np.zeros((7, 5)), np.zeros(5)]}, "dense_6 .* does not fit .*7 values"),
        (5, {"arrays": [np.zeros((144, 5)), np.zeros(4)]}, "dense_6 .* bias"),
        (5, {"arrays": [np.full((144, 5), np.nan), np.zeros(5)]}, "dense_6 .* no finite numbers"),
        (0, {"batch_input_shape": [None, 20]}, "does not say that it takes one picture"),
        (0, {"batch_input_shape": [None, None, 40, 3]}, "Say it with --size"),
        (0, {"batch_input_shape": [None, 4096, 4096, 3]}, "4096 x 4096 x 3 values"),
        (2, {"data_format": "channels_first"}, "some layers have the channels first"),
        (4, {"kind": "Reshape", "target_shape": [2, 72]}, "reshape_5 .* reshapes to something"),
        (4, {"kind": "ZeroPadding2D", "padding": 4000}, "zeropadding2d_5 .* does not fit"),
        (2, {"pool_size": [50, 50]}, "maxpooling2d_3 .* does not fit"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named(
    tmp_path: Path, number: int, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        modelfile.read(spoiled(tmp_path, number, **changes))


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"class_name": "MyModel", "config": {}}, "no Sequential and no functional model"),
        ({"config": []}, "lacks class_name"),
        ([], "lacks class_name"),
        ({"class_name": "Sequential", "config": []}, "it has no layers"),
        ({"class_name": "Sequential", "config": {"layers": 3}}, "no list of at most"),
        ({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": []}]},
         "a model of its own"),
        ({"class_name": "Sequential", "config": [
            {"class_name": "Dense", "registered_name": "mine>Dense", "config": {"name": "a"}}]},
         "a class of somebody's own: got mine>Dense"),
    ],
)  # fmt: skip
def test_an_architecture_that_is_none_is_refused(tmp_path: Path, config: Any, why: str) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2, config=config)
    with pytest.raises(ModelError, match=why):
        modelfile.read(path)


def test_layers_that_merge_or_repeat_are_refused(tmp_path: Path) -> None:
    described, config = functional(2)
    nodes = config["config"]["layers"][-1]
    before = nodes["inbound_nodes"][0]
    for changed, why in (
        ([before * 2], "has not one layer before it"),
        ([before, before], "is used more than once"),
        ([[[nodes["name"], 0, 0, {}]]], "go in a circle"),
        ([[["nowhere", 0, 0, {}]]], "named that is not there"),
    ):
        nodes["inbound_nodes"] = changed
        path = model_files.write(tmp_path / "m.h5", described, 2, config=config)
        with pytest.raises(ModelError, match=why):
            modelfile.read(path)


def test_weights_without_an_architecture_are_said(tmp_path: Path) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
    with pytest.raises(ModelError, match=r"m\.h5 holds no architecture.*model\.save"):
        modelfile.read(path)


def test_a_size_that_is_not_said_can_be_told(tmp_path: Path, expected: np.ndarray) -> None:
    path = spoiled(tmp_path, 0, batch_input_shape=[None, None, None, 3])
    np.testing.assert_allclose(answers(path, size=(20, 40)), expected, atol=1e-5)
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with pytest.raises(ModelError, match="another size than --size says: got 41x20"):
        modelfile.read(path, size=(20, 41))


@pytest.mark.parametrize(
    ("name", "first"),
    [("keras1.2.1_rgb2yuv_66x200.h5", Scale), ("keras2.4.0_66x200.h5", Conv)],
)
def test_models_that_users_have_lying_around_are_read(name: str, first: type) -> None:
    found = modelfile.read(samples.shared("data", "legacy-models", name))
    assert found.network.input_shape == (66, 200, 3)
    assert isinstance(found.network.layers[0], first)
    kernels = [each for each in found.network.layers if isinstance(each, Conv | Dense)]
    assert len(kernels) == 9


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """List every container and key in a JSON document."""
    pairs = list(value.items()) if isinstance(value, dict) else []
    pairs = list(enumerate(value)) if isinstance(value, list) else pairs
    return [found for key, each in pairs for found in [(value, key), *places(each)]]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from([1, 2, 3]))
def test_any_architecture_is_read_or_refused(
    tmp_path: Path, data: st.DataObject, release: int
) -> None:
    described, config = (
        functional(release)
        if data.draw(st.booleans())
        else (
            model_files.driver(release),
            model_files.architecture(model_files.driver(release), release),
        )
    )
    container, key = data.draw(st.sampled_from(places(config)))
    container[key] = data.draw(JSON)
    path = model_files.write(tmp_path / "m.h5", described, release, config=config)
    with contextlib.suppress(ModelError):
        assert modelfile.read(path).network.layers
