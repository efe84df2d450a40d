"""TensorFlow is imported in one process of its own: it is slow, and warns of things of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples

from contract import frame
from contract.errors import SettingError
from inference.keras_backend import require
from inference.litert import LiteRT

FRAMES = np.stack([frame.prepare(samples.jpeg(steering)) for steering in (-0.5, 0.0, 0.5)])

# Loads one folder after the other, and prints what each answers to the frames.
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
import keras
from contract.errors import ModelError
from inference.keras_backend import KerasOnTensorFlow

scratch, frames = Path(sys.argv[1]), np.load(sys.argv[2])
(scratch / "code").mkdir()
keras.Sequential([
    keras.Input((128, 128, 3), dtype="uint8"), keras.layers.Flatten(), keras.layers.Dense(1),
    keras.layers.Lambda(lambda x: x + 0 * len(open("executed", "w").name)),
]).save(scratch / "code" / "model.h5")
Path("executed").unlink()  # saving traced it
outcomes = {}
for folder in (*map(Path, sys.argv[3:]), scratch / "code"):
    try:
        backend = KerasOnTensorFlow(folder)
        answers = [backend.predict(each).tolist() for each in (frames, frames[:1])]
        outcomes[folder.name] = answers
    except ModelError as error:
        outcomes[folder.name] = str(error)
print(json.dumps(outcomes))
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keras")


@pytest.fixture(scope="module")
def outcomes(networks: Path, scratch: Path) -> dict[str, Any]:
    """What Keras makes of each folder: its answers, or the message of a ModelError."""
    frames = scratch / "frames.npy"
    np.save(frames, FRAMES)
    (scratch / "rubbish").mkdir()
    (scratch / "rubbish" / "model.h5").write_bytes(b"no model at all")
    (scratch / "missing").mkdir()
    folders = [networks / "left", networks / "floats", networks / "small",
               scratch / "rubbish", scratch / "missing"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(scratch), str(frames), *map(str, folders)],
        cwd=scratch, env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", ["left", "floats"])
def test_the_network_answers_as_its_twin(
    outcomes: dict[str, Any], networks: Path, name: str
) -> None:
    together, alone = outcomes[name]
    np.testing.assert_allclose(together, LiteRT(networks / name).predict(FRAMES), atol=1e-4)
    np.testing.assert_allclose(alone, together[:1], atol=1e-6)


def test_a_network_for_other_frames_is_refused(outcomes: dict[str, Any]) -> None:
    assert "does not take frames" in outcomes["small"]


@pytest.mark.parametrize("name", ["rubbish", "missing"])
def test_what_keras_cannot_load_is_refused(outcomes: dict[str, Any], name: str) -> None:
    assert "model.h5 cannot be loaded by Keras" in outcomes[name]


def test_a_file_that_brings_code_is_refused_and_not_executed(
    outcomes: dict[str, Any], scratch: Path
) -> None:
    assert "Lambda" in outcomes["code"]
    assert not (scratch / "executed").exists()


def test_what_is_not_installed_is_named_with_its_cure() -> None:
    with pytest.raises(SettingError, match=r"needs tensorflow and keras.*LAPWING_BACKEND=litert"):
        require(find=lambda name: None)


def test_what_is_installed_is_enough() -> None:
    require(find=lambda name: name)
