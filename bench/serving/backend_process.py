"""Loads a network with one backend in a process of its own, and measures it.

python -m bench.serving.backend_process BACKEND FILE FRAMES [ANSWERS]

It prints one JSON document for each line that it reads: what it needed for its start first, then
what the calls of the next round took. The answers to all frames are written to ANSWERS.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.figures import latency

Frames = npt.NDArray[np.uint8]
Predict = Callable[[Frames], Any]
"""Computes a batch, uint8 (n, height, width, channels)."""


def litert(path: Path, shape: tuple[int, ...], threads: int = 1, latest: bool = False) -> Predict:
    """Return the prediction of LiteRT, whose operators are XNNPACK's.

    Args:
        path: a LiteRT file.
        shape: shape of the batches.
        threads: number of threads.
        latest: whether XNNPACK may take operators that it does not take by default.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(
        model_content=path.read_bytes(),
        num_threads=threads,
        experimental_default_delegate_latest_features=latest,
    )
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, shape)
    interpreter.allocate_tensors()
    target = interpreter.get_output_details()[0]["index"]

    def predict(frames: Frames) -> Any:  # noqa: ANN401 - LiteRT publishes no types
        interpreter.set_tensor(source, frames)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return predict


def openvino(path: Path, shape: tuple[int, ...], precision: str = "f32") -> Predict:
    """Return the prediction of OpenVINO, which reads LiteRT files by itself.

    The frame is copied into a tensor that is bound once; a call that is given its frames takes
    0.05 ms longer.
    """
    # As inference loads it: with this package, its import looks for a server of Google.
    missing: Any = None
    sys.modules.setdefault("openvino_telemetry", missing)
    import openvino as ov

    core = ov.Core()
    network = core.read_model(str(path))
    network.reshape(list(shape))
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": 1,
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": precision,
    }
    request: Any = core.compile_model(network, "CPU", options).create_infer_request()
    source = np.zeros(shape, dtype=np.uint8)
    request.set_input_tensor(ov.Tensor(source, shared_memory=True))
    target = request.get_output_tensor().data

    def predict(frames: Frames) -> Any:  # noqa: ANN401 - as OpenVINO gives it
        source[:] = frames
        request.infer(share_outputs=True)
        return target

    return predict


def onnx_runtime(path: Path, _: tuple[int, ...]) -> Predict:
    """Return the prediction of ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda frames: session.run(None, {name: frames})[0]


BACKENDS: Final[dict[str, Callable[[Path, tuple[int, ...]], Predict]]] = {
    "litert": litert,
    "litert-2-threads": lambda path, shape: litert(path, shape, threads=2),
    "litert-latest": lambda path, shape: litert(path, shape, latest=True),
    "openvino": openvino,
    "openvino-bf16": lambda path, shape: openvino(path, shape, "bf16"),
    "onnxruntime": onnx_runtime,
}


def main() -> int:
    """Load the network, and measure a round for each line of standard input."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving.backend_process")
    parser.add_argument("backend", choices=BACKENDS)
    parser.add_argument("file", type=Path)
    parser.add_argument("frames", type=Path, help="a file of frames, as np.save writes it")
    parser.add_argument("answers", type=Path, nargs="?", help="a file that is written")
    options = parser.parse_args()
    frames: Frames = np.load(options.frames)
    before_mb, began = _private_mb(), time.perf_counter()
    make = BACKENDS[options.backend]
    one = make(options.file, (1, *frames.shape[1:]))
    one(frames[:1])
    started = {"start_s": time.perf_counter() - began, "memory_mb": _private_mb() - before_mb}
    if options.answers is not None:
        answers = [np.asarray(one(frame[None])).item() for frame in frames]
        np.save(options.answers, np.array(answers))
    eight = make(options.file, (8, *frames.shape[1:]))
    print(json.dumps(started), flush=True)
    for line in sys.stdin:
        rounds = int(line)
        print(
            json.dumps(
                {"1": _take(one, frames, 1, rounds), "8": _take(eight, frames, 8, rounds // 8)}
            ),
            flush=True,
        )
    return 0


def _take(predict: Predict, frames: Frames, batch: int, rounds: int) -> dict[str, float]:
    """Return the latencies of a call in ms, and the frames per second."""
    taken_ms = []
    for number in range(rounds):
        at = number * batch % (len(frames) - batch)
        began = time.perf_counter()
        predict(frames[at : at + batch])
        taken_ms.append((time.perf_counter() - began) * 1000)
    p50, _ = latency("", taken_ms)
    return {
        "p50_ms": p50.median,
        "least_ms": p50.lowest,
        "rate": rounds * batch / sum(taken_ms) * 1000,
    }


def _private_mb() -> float:
    """Return the memory in MB that this process shares with no other."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    private = [line.split() for line in lines if line.startswith("Private_")]
    return sum(int(words[1]) for words in private) * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
