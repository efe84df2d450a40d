"""The emulated bfloat16, held against the arithmetic of ml_dtypes, as TensorFlow has it."""

import keras
import ml_dtypes
import numpy as np
from bench.training import rounded

from trainer.training import network_builder


def bfloat16(values: np.ndarray) -> np.ndarray:
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def test_a_dense_layer_rounds_operands_and_results_and_adds_up_in_float32() -> None:
    layer = rounded.RoundedDense(3, activation="elu")
    inputs = np.random.default_rng(1).normal(0, 1, (5, 40)).astype(np.float32)
    layer.build(inputs.shape)
    kernel, bias = (np.asarray(each) for each in layer.weights)
    layer.bias.assign(bias + np.float32(0.3))
    total = bfloat16(bfloat16(inputs) @ bfloat16(kernel)) + bfloat16(bias + np.float32(0.3))
    total = bfloat16(total)
    expected = bfloat16(np.where(total > 0, total, np.expm1(total)))
    # A sum in another order may round to the neighbour, 1/128 away.
    np.testing.assert_allclose(np.asarray(layer(inputs)), expected, rtol=1 / 128)
    assert not np.allclose(np.asarray(layer(inputs)), inputs @ kernel, rtol=1e-4)


def test_gradients_are_rounded_too() -> None:
    import tensorflow as tf

    values = tf.Variable([1.0, 2.0])
    weights = tf.constant([1.00123, 0.70007])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(rounded.rounded(values) * weights)
    np.testing.assert_array_equal(tape.gradient(total, values), bfloat16(weights.numpy()))


def test_the_network_has_the_variables_of_the_one_that_is_trained() -> None:
    keras.utils.set_random_seed(1)
    network = rounded.build()
    plain = network_builder.build(dtype="mixed_bfloat16")
    assert [each.shape for each in network.variables] == [each.shape for each in plain.variables]
    assert [each.dtype for each in network.variables] == [each.dtype for each in plain.variables]
    frames = np.random.default_rng(2).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    exact = network_builder.build(dtype="float32")
    exact.set_weights(network.get_weights())
    difference = np.abs(np.asarray(network(frames)) - np.asarray(exact(frames))).max()
    assert 1e-5 < difference < 0.03
