"""Hostile model files are refused with a reason, execute nothing and take little memory."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.data import hostile_files, model_files

# One process reads a good file first, so that what the libraries take themselves is not counted,
# and then each hostile one. VmHWM is what the process ever held, and is set back before each.
READ = """
import json, sys
from pathlib import Path
from contract.errors import ModelError
from trainer.keras_import import reader

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024

good, *hostile = map(Path, sys.argv[1:])
reader.read(good)
found = {}
for path in hostile:
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS:")
    try:
        reader.read(path)
        said = "it was read"
    except ModelError as error:
        said = str(error)
    found[path.parent.name] = [said, status("VmHWM:") - before]
print(json.dumps(found))
"""
NAMES = [each.__name__ for each in hostile_files.FILES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the message for each file, and the bytes by which the process grew."""
    good = model_files.write(folder / "good.h5", model_files.driver(2), 2)
    paths = []
    for make in hostile_files.FILES:
        (folder / make.__name__).mkdir()
        paths.append(folder / make.__name__ / "model.h5")
        make(paths[-1])
    done = subprocess.run(
        [sys.executable, "-c", READ, good, *paths], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[str, int]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("make", hostile_files.FILES, ids=NAMES)
def test_a_hostile_file_is_refused_with_a_reason(
    outcomes: dict[str, tuple[str, int]], make: Callable[[Path], None]
) -> None:
    said, _ = outcomes[make.__name__]
    assert re.search(hostile_files.FILES[make], said)


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_takes_at_most_50_mb(
    outcomes: dict[str, tuple[str, int]], name: str
) -> None:
    assert outcomes[name][1] <= 50e6


def test_nothing_is_executed(outcomes: dict[str, tuple[str, int]], folder: Path) -> None:
    assert outcomes["lambda_that_runs"]
    assert not list(folder.rglob("canary"))


def test_the_lambda_would_have_written_its_file(
    folder: Path, outcomes: dict[str, tuple[str, int]]
) -> None:
    """If it would not, the test before this one could not fail."""
    assert outcomes
    config = hostile_files.architecture_of(folder / "lambda_that_runs" / "model.h5")
    assert isinstance(config, dict)
    text = config["config"]["layers"][0]["config"]["function"][0]
    script = (
        "import base64, marshal, sys, types; "
        "types.FunctionType(marshal.loads(base64.b64decode(sys.argv[1])), globals())(1)"
    )
    subprocess.run([sys.executable, "-c", script, text], check=True)
    assert (folder / "lambda_that_runs" / "canary").exists()
