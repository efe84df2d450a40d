"""Tests of the choice between OpenVINO and LiteRT, each with real networks and files."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from contract.errors import ModelError
from contract.frames import preprocess
from contract.frames.spec import SHAPE
from contract.models.registry import TFLITE
from contract.policy.litert import LiteRT
from inference.settings import BACKENDS, LITERT
from inference.workers.networks import LOADERS, PARITY, OpenVINO, fastest

FRAMES = np.stack([preprocess.prepare(samples.jpeg(steering)) for steering in (-0.5, 0.0, 0.5)])
needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed"
)


def in_a_process(folder: Path, before: str = "", **environ: str) -> list[str]:
    """Load a network in a process of its own; return the backend, and whether OpenVINO was asked.

    Args:
        folder: folder of the version.
        before: what the process does before it loads the network.
        environ: environment variables of the process.
    """
    program = f"""
import resource, sys
from pathlib import Path
from contract.errors import ModelError
from inference.workers.networks import fastest
{before}
try:
    print(fastest(Path(sys.argv[1]), {SHAPE}).name)
except ModelError as error:
    print(type(error).__name__)
print("openvino" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        env=environ or None,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_each_backend_of_the_settings_can_be_loaded() -> None:
    assert tuple(LOADERS) == BACKENDS
    assert LiteRT.name == LITERT


@needs_openvino
@pytest.mark.parametrize("network", ["left", "real", "floats", "straight", "lock", "fast"])
def test_openvino_answers_as_litert_does(networks: Path, network: str) -> None:
    litert = LiteRT(networks / network)
    expected = litert.predict(FRAMES)
    found = OpenVINO(litert.content, SHAPE).predict(FRAMES)
    assert found.dtype == np.float32
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=PARITY * scale)


@needs_openvino
def test_openvino_computes_where_it_can(networks: Path) -> None:
    assert fastest(networks / "left", SHAPE).name == "openvino"


@needs_openvino
def test_a_loaded_network_does_not_change_with_its_file(networks: Path, tmp_path: Path) -> None:
    (tmp_path / TFLITE).write_bytes((networks / "left" / TFLITE).read_bytes())
    network = fastest(tmp_path, SHAPE)
    before = network.predict(FRAMES)
    (tmp_path / TFLITE).write_bytes(b"")
    np.testing.assert_array_equal(network.predict(FRAMES), before)


@needs_openvino
def test_litert_computes_a_network_whose_answers_are_no_numbers(networks: Path) -> None:
    """They cannot be compared, and the check of the golden frames says what is wrong with it."""
    assert fastest(networks / "nan", SHAPE).name == LITERT


@needs_openvino
def test_litert_computes_where_openvino_fails(networks: Path) -> None:
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file can be written"
    assert in_a_process(networks / "left", full) == [LITERT, "True"]


def test_litert_computes_where_openvino_is_not_installed(networks: Path) -> None:
    site = "sys.path[:] = [each for each in sys.path if 'site-packages' not in each]"
    imported = "import ai_edge_litert.interpreter, contract.policy.policy"
    assert in_a_process(networks / "left", f"{imported}\n{site}") == [LITERT, "False"]


@pytest.mark.parametrize("network", ["bomb", "small"])
def test_a_file_that_litert_refuses_is_not_given_to_openvino(networks: Path, network: str) -> None:
    assert in_a_process(networks / network) == ["ModelError", "False"]


@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(4096)])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TFLITE).write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.tflite cannot be loaded"):
        fastest(tmp_path, SHAPE)


@needs_openvino
def test_nothing_of_the_user_is_written_down_or_sent(networks: Path, tmp_path: Path) -> None:
    """OpenVINO's own import does both: it leaves an identifier in the home folder."""
    no_names = "import socket\nsocket.getaddrinfo = None"
    assert in_a_process(networks / "left", no_names, HOME=str(tmp_path)) == ["openvino", "True"]
    assert list(tmp_path.iterdir()) == []
