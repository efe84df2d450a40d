"""Loads the network of a version with the fastest backend that computes it as LiteRT does.

OpenVINO takes a quarter less time for a frame than LiteRT (docs/adr/0007-inference.md), and reads
the same file. LiteRT loads each file first, whose checks bound what a hostile one may ask for, and
computes wherever OpenVINO is not installed, does not read a network, or answers otherwise.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract.models.registry import TFLITE
from contract.policy.litert import LiteRT
from contract.policy.policy import Backend, Load
from inference.settings import AUTO, LITERT

log = logging.getLogger(__name__)

PARITY: Final = 1e-4
"""Largest difference between the answers of the two backends to the same frame, relative to answers
beyond -1..1. On real frames it is 5e-7."""
PROBES: Final = 4
"""Number of frames on which they are compared when a version is loaded."""
OPTIONS: Final = {
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": 1,
    "INFERENCE_NUM_THREADS": 1,  # the workers share the cores
    "ENABLE_CPU_PINNING": False,  # each worker would choose the same core
    "INFERENCE_PRECISION_HINT": "f32",  # a processor with bfloat16 would use that
}


class OpenVINO:
    """Holds a network that OpenVINO has compiled; only one thread may use it at a time."""

    name = "openvino"

    def __init__(self, content: bytes, shape: tuple[int, int, int]) -> None:
        """Compile a LiteRT file.

        Args:
            content: a file that LiteRT has loaded.
            shape: height, width and channels of the frame that the network is given.

        Raises:
            ImportError: OpenVINO cannot be imported.
            OSError: there is no room for temporary files.
            RuntimeError: OpenVINO does not know one of the operators, or fails.
        """
        # With this package, the import of OpenVINO asks the name server for Google's address, and
        # writes an identifier of the user into the home folder.
        missing: Any = None
        sys.modules.setdefault("openvino_telemetry", missing)
        import openvino

        core: Any = openvino.Core()
        # It reads LiteRT files by their names only. The file of the version may have changed since
        # LiteRT has checked it.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / TFLITE
            path.write_bytes(content)
            network = core.read_model(str(path))
            network.reshape([1, *shape])
            self._request = core.compile_model(network, "CPU", OPTIONS).create_infer_request()
        # These are bound once: a call that is given its frame takes 0.05 ms longer.
        self._source = self._request.get_input_tensor().data
        self._target = self._request.get_output_tensor().data

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the numbers, float32 (n, count), for frames, uint8 (n, *shape)."""
        numbers = np.empty((len(frames), self._target.size), dtype=np.float32)
        for number in range(len(frames)):
            self._source[0] = frames[number]
            self._request.infer(share_outputs=True)
            numbers[number] = self._target[0]
        return numbers


def fastest(folder: Path, shape: tuple[int, int, int]) -> Backend:
    """Load the network of the version in a folder with OpenVINO, or else with LiteRT.

    Raises:
        ModelError: LiteRT cannot load it, it needs too much memory, or does not take one frame and
            give a steering, or a steering and a speed.
        OSError: the file cannot be read now.
    """
    litert = LiteRT(folder, shape)
    if importlib.util.find_spec("openvino") is None:
        return litert
    try:
        network = OpenVINO(litert.content, shape)
        difference = _compare(network, litert, shape)
    except Exception as error:  # noqa: BLE001 - it is logged, and LiteRT computes
        log.warning("LiteRT computes %s, since OpenVINO cannot: %s", folder.name, error)
        return litert
    if not difference <= PARITY:  # written so that NaN is refused
        log.warning(
            "LiteRT computes %s, since OpenVINO's answers differ by %.3g", folder.name, difference
        )
        return litert
    return network


def _compare(network: Backend, litert: LiteRT, shape: tuple[int, int, int]) -> float:
    """Return how much two backends differ on frames of noise."""
    noise = np.random.default_rng(0)
    frames = noise.integers(0, 256, (PROBES, *shape), dtype=np.uint8)
    expected = litert.predict(frames)
    scale = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(network.predict(frames) - expected).max()) / scale


LOADERS: Final[Mapping[str, Load]] = {AUTO: fastest, LITERT: LiteRT}
"""How networks are loaded, by the values of LAPWING_INFERENCE_BACKEND."""
