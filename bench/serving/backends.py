"""Compares ways to compute the published network.

python -m bench.serving.backends MODELS

ONNX Runtime and its converter are in bench/requirements.txt. Each backend has one thread, except
TensorFlow, whose function always takes all cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import output, recordings
from contract.frames import preprocess, spec

PARITY_FRAMES = 1000
ROUNDS = 400
BATCHES = (1, 2, 4, 8)

Frames = npt.NDArray[np.uint8]
Predict = Callable[[Frames], npt.NDArray[np.float32]]


def litert(content: bytes) -> Callable[[int], Predict]:
    """Return a function that makes the prediction of a LiteRT model for a batch size."""
    from ai_edge_litert.interpreter import Interpreter

    def of(batch: int) -> Predict:
        interpreter: Any = Interpreter(model_content=content, num_threads=1)
        source = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(source, (batch, spec.HEIGHT, spec.WIDTH, spec.CHANNELS))
        interpreter.allocate_tensors()
        target = interpreter.get_output_details()[0]["index"]

        def predict(frames: Frames) -> npt.NDArray[np.float32]:
            interpreter.set_tensor(source, frames)
            interpreter.invoke()
            return np.asarray(interpreter.get_tensor(target))

        return predict

    return of


def contestants(
    network: Any,  # noqa: ANN401 - a Keras model
    twin: bytes,
    frames: Frames,
) -> Iterator[tuple[str, Callable[[int], Predict]]]:
    """Yield the name of each backend, and a function that makes its prediction for a batch size."""
    import keras
    import tensorflow as tf

    yield "LiteRT", litert(twin)
    for name in ("LiteRT, fp16", "LiteRT, int8 weights", "LiteRT, int8"):
        converter = tf.lite.TFLiteConverter.from_keras_model(network)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if name.endswith("fp16"):
            converter.target_spec.supported_types = [tf.float16]
        if name.endswith("int8"):
            converter.representative_dataset = lambda: ([each[None]] for each in frames[:200])
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        yield name, litert(converter.convert())
    signature = [tf.TensorSpec((None, *frames.shape[1:]), tf.uint8)]
    function = tf.function(lambda x: network(x, training=False), input_signature=signature)
    yield "TensorFlow, tf.function", lambda _: lambda x: function(x).numpy()
    yield "Keras, predict_on_batch", lambda _: network.predict_on_batch
    yield "Keras, predict", lambda _: lambda x: network.predict(x, verbose=0)
    try:
        import onnxruntime
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        keras.Model.export(network, path, format="onnx", verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    yield "ONNX Runtime", lambda _: lambda x: session.run(None, {name: x})[0]


def measure(predict: Predict, frames: Frames, batch: int, rounds: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of a call, in milliseconds."""
    taken = []
    for number in range(rounds + 20):
        at = number * batch % (len(frames) - batch)
        began = time.perf_counter()
        predict(frames[at : at + batch])
        taken.append((time.perf_counter() - began) * 1000)
    ordered = sorted(taken[20:])
    return ordered[len(ordered) // 2], ordered[int(0.99 * len(ordered))]


def main() -> int:
    """Measure each backend at each batch size, and show the figures."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    parser = output.arguments(__doc__)
    parser.add_argument("models", type=Path, help="the model volume")
    options = parser.parse_args()
    import keras

    folder = options.models / "current"
    recording = recordings.chosen()
    paths = sorted((recording / "IMG").glob("*.jpg"))[:PARITY_FRAMES]
    frames = np.stack([preprocess.prepare(path.read_bytes()) for path in paths])
    network = keras.models.load_model(folder / "model.h5", compile=False)
    expected = np.concatenate(
        [network.predict_on_batch(part) for part in np.array_split(frames, 8)]
    )
    rows: list[output.Row] = []
    for name, of in contestants(network, (folder / "model.tflite").read_bytes(), frames):
        rounds = ROUNDS // 8 if name == "Keras, predict" else ROUNDS
        taken = [measure(of(batch), frames, batch, rounds) for batch in BATCHES]
        one = of(1)
        answers = np.array([one(frame[None]).reshape(-1)[0] for frame in frames])
        difference = float(np.abs(answers - expected.reshape(-1)).max())
        rows.append(
            {
                "backend": name,
                **{
                    f"{n}: p50 / p99 ms": f"{a:.2f} / {b:.2f}"
                    for n, (a, b) in zip(BATCHES, taken, strict=True)
                },
                "frames/s at 8": 8000 / taken[-1][0],
                f"max |Δ| of {len(frames)}": f"{difference:.1e}",
            }
        )
    command = "python -m bench.serving.backends MODELS"
    title = "Ways to compute the published network"
    output.finish(output.Result("backends", title, command, recording.name, rows), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
