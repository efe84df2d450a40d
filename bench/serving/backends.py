"""Compares ways to compute the published network.

python -m bench.serving.backends MODELS

Each contestant is a process of its own with one thread, and they take turns. ONNX Runtime and its
converter are in bench/requirements.txt; contestants that are not installed are left out, and so is
bfloat16 on a processor without it. The rate is that of two processes at the same time. The memory
is that which a process has for itself because of the backend, and the start is the time from the
import of the backend to its first answer.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench import output, recordings
from contract.frames import preprocess

PARITY_FRAMES: Final = 1000
TURNS: Final = 3
CALLS: Final = 200
"""Number of calls with one frame in a turn; those with eight are an eighth of it."""

Frames = npt.NDArray[np.uint8]


@dataclass
class Contestant:
    """A backend with a file of the network."""

    name: str
    backend: str
    file: str
    needs: str = "ai_edge_litert"
    """The package that it needs."""
    instruction: str = ""
    """The instruction of the processor that it needs."""
    started: dict[str, Any] = field(default_factory=dict)
    turns: list[dict[str, Any]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


def contestants() -> list[Contestant]:
    """Return the contestants that are installed and that this processor can compute."""
    flags = Path("/proc/cpuinfo").read_text().split()
    listed = [
        Contestant("LiteRT", "litert", "float.tflite"),
        Contestant("LiteRT, all operators of XNNPACK", "litert-latest", "float.tflite"),
        Contestant("LiteRT, two threads", "litert-2-threads", "float.tflite"),
        Contestant("LiteRT, fp16 weights", "litert", "fp16.tflite"),
        Contestant("LiteRT, int8 weights", "litert", "weights.tflite"),
        Contestant("LiteRT, int8", "litert", "int8.tflite"),
        Contestant("OpenVINO", "openvino", "float.tflite", "openvino"),
        Contestant(
            "OpenVINO, bfloat16", "openvino-bf16", "float.tflite", "openvino", "avx512_bf16"
        ),
        Contestant("OpenVINO, int8 weights", "openvino", "weights.tflite", "openvino"),
        Contestant("OpenVINO, int8", "openvino", "int8.tflite", "openvino"),
        Contestant("ONNX Runtime", "onnxruntime", "model.onnx", "onnxruntime"),
    ]
    return [
        each
        for each in listed
        if importlib.util.find_spec(each.needs)
        and (not each.instruction or each.instruction in flags)
    ]


def convert(network: Any, frames: Frames, folder: Path) -> None:  # noqa: ANN401 - a Keras model
    """Write the network in lower precision for LiteRT, and for ONNX Runtime if it is installed."""
    import keras
    import tensorflow as tf

    for name in ("fp16", "weights", "int8"):
        converter = tf.lite.TFLiteConverter.from_keras_model(network)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if name == "fp16":
            converter.target_spec.supported_types = [tf.float16]
        if name == "int8":
            converter.representative_dataset = lambda: ([each[None]] for each in frames[:200])
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        (folder / f"{name}.tflite").write_bytes(converter.convert())
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("tf2onnx"):
        keras.Model.export(network, folder / "model.onnx", format="onnx", verbose=False)


def start(contestant: Contestant, folder: Path, *written: Path) -> subprocess.Popen[str]:
    """Start a process of a contestant, and return it once it is ready.

    Args:
        contestant: its backend and its file.
        folder: folder of the files.
        written: the file to which its answers to all frames are written; none, if there is none.
    """
    words = [contestant.backend, folder / contestant.file, folder / "frames.npy", *written]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.serving.backend_process", *words],
        cwd=recordings.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    contestant.started = read(process)
    return process


def ask(process: subprocess.Popen[str]) -> None:
    """Let a process measure a turn."""
    assert process.stdin is not None
    process.stdin.write(f"{CALLS}\n")
    process.stdin.flush()


def read(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the next document that a process prints."""
    assert process.stdout is not None
    document: dict[str, Any] = json.loads(process.stdout.readline())
    return document


def answers(contestant: Contestant, folder: Path) -> Path:
    """Return the file with the answers of a contestant."""
    return folder / f"{contestant.backend}-{contestant.file}.npy"


def measure(competing: list[Contestant], folder: Path) -> None:
    """Let the contestants compute in turn, one process at a time and then two."""
    with ExitStack() as stack:
        pairs = []
        for contestant in competing:
            pairs.append(
                [start(contestant, folder), start(contestant, folder, answers(contestant, folder))]
            )
            for process in pairs[-1]:
                stack.callback(process.wait)
                stack.callback(process.terminate)
        for _ in range(TURNS):
            for contestant, pair in zip(competing, pairs, strict=True):
                ask(pair[0])
                contestant.turns.append(read(pair[0]))
                for process in pair:
                    ask(process)
                contestant.rates.append(sum(read(process)["1"]["rate"] for process in pair))


def row(contestant: Contestant, folder: Path, expected: npt.NDArray[np.float64]) -> output.Row:
    """Return the figures of a contestant."""
    difference = np.abs(np.load(answers(contestant, folder)) - expected).max()
    median, one = statistics.median, [turn["1"] for turn in contestant.turns]
    return {
        "backend": contestant.name,
        "1 frame: p50 ms": median(turn["p50_ms"] for turn in one),
        "least ms": min(turn["least_ms"] for turn in one),
        "8 frames: p50 ms": median(turn["8"]["p50_ms"] for turn in contestant.turns),
        "frames/s, 2 processes": median(contestant.rates),
        "memory MB": contestant.started["memory_mb"],
        "start s": contestant.started["start_s"],
        f"max |Δ| of {len(expected)}": f"{difference:.1e}",
    }


def main() -> int:
    """Measure each backend, and show the figures."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    parser = output.arguments(__doc__)
    parser.add_argument("models", type=Path, help="the model volume")
    options = parser.parse_args()
    import keras

    version = options.models / "current"
    recording = recordings.chosen()
    paths = sorted((recording / "IMG").glob("*.jpg"))[:PARITY_FRAMES]
    frames = np.stack([preprocess.prepare(path.read_bytes()) for path in paths])
    network = keras.models.load_model(version / "model.h5", compile=False)
    expected = np.concatenate(
        [network.predict_on_batch(part) for part in np.array_split(frames, 8)]
    ).reshape(-1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "frames.npy", frames)
        (folder / "float.tflite").write_bytes((version / "model.tflite").read_bytes())
        convert(network, frames, folder)
        competing = [each for each in contestants() if (folder / each.file).exists()]
        measure(competing, folder)
        rows = [row(each, folder, expected) for each in competing]
    command = "python -m bench.serving.backends MODELS"
    title = "Ways to compute the published network"
    output.finish(output.Result("backends", title, command, recording.name, rows), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
