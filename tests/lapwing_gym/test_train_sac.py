"""The example trains an agent in an environment of its own, which `make gym-example` makes."""

import re
import subprocess

import pytest
from support.house import ROOT

PYTHON = ROOT / ".venv-gym/bin/python"


@pytest.mark.soak
def test_the_agent_learns_to_keep_to_the_road() -> None:
    if not PYTHON.exists():
        pytest.skip("needs .venv-gym with PyTorch: make gym-example")
    done = subprocess.run(
        [PYTHON, ROOT / "packages/gym/examples/train_sac.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    reached = dict(re.findall(r"^([a-z ]+): +mean return +(-?[\d.]+)", done.stdout, re.MULTILINE))
    assert set(reached) == {"straight on", "trained"}
    returns = {name: float(value) for name, value in reached.items()}
    assert returns["trained"] > 1.5 * returns["straight on"] > 0
