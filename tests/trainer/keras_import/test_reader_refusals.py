"""Model files that are not supported are refused, and the message names the cause."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.data import model_files
from support.data.model_files import answers, spoiled

from contract.errors import ModelError
from trainer.keras_import import reader


@pytest.mark.parametrize(
    ("number", "changes", "why"),
    [
        (3, {"kind": "LSTM"}, r"the layer lstm_4 \(LSTM\) is of a class that is not supported"),
        (3, {"kind": "Merge"}, r"merge_4 \(Merge\) is of a class"),
        (3, {"kind": "TimeDistributed", "layer": {}}, "timedistributed_4 .* contains other layers"),
        (1, {"activation": "my_own"}, "conv2d_2 .* an unknown activation: got my_own"),
        (6, {"activation": "softmax"}, "dense_7 .* is a classifier"),
        (1, {"groups": 3}, "conv2d_2 .* in groups"),
        (1, {"padding": "causal"}, "conv2d_2 .* padding other than"),
        (1, {"strides": [0, 2]}, "conv2d_2 .* impossible strides"),
        (1, {"strides": [10**9, 2]}, "conv2d_2 .* impossible strides"),
        (1, {"filters": 5}, "conv2d_2 .* kernel of another size"),
        (1, {"arrays": []}, "conv2d_2 .* other weights than a kernel"),
        (5, {"arrays": [np.zeros((7, 5)), np.zeros(5)]}, "dense_6 .* does not fit .*7 values"),
        (5, {"arrays": [np.zeros((144, 5)), np.zeros(4)]}, "dense_6 .* bias"),
        (5, {"arrays": [np.full((144, 5), np.nan), np.zeros(5)]}, "dense_6 .* not finite numbers"),
        (0, {"batch_input_shape": [None, 20]}, "does not say that it takes one image"),
        (0, {"batch_input_shape": [None, None, 40, 3]}, "Give it with --size"),
        (0, {"batch_input_shape": [None, 4096, 4096, 3]}, "4096 x 4096 x 3 values"),
        (2, {"data_format": "channels_first"}, "some layers have the channels first"),
        (4, {"kind": "Reshape", "target_shape": [2, 72]}, "reshape_5 .* reshapes to something"),
        (4, {"kind": "ZeroPadding2D", "padding": 4000}, "zeropadding2d_5 .* does not fit"),
        (2, {"pool_size": [50, 50]}, "maxpooling2d_3 .* does not fit"),
    ],
)
def test_what_is_not_supported_is_named(
    tmp_path: Path, number: int, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        reader.read(spoiled(tmp_path, number, **changes))


def test_weights_without_an_architecture_are_refused(tmp_path: Path) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
    with pytest.raises(ModelError, match=r"m\.h5 holds no architecture.*model\.save"):
        reader.read(path)


def test_a_missing_size_can_be_given(tmp_path: Path, expected: np.ndarray) -> None:
    path = spoiled(tmp_path, 0, batch_input_shape=[None, None, None, 3])
    np.testing.assert_allclose(answers(path, size=(20, 40)), expected, atol=1e-5)
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with pytest.raises(ModelError, match="another size than --size says: got 41x20"):
        reader.read(path, size=(20, 41))
