import subprocess
import sys

import gymnasium
import pytest

from lapwing_gym.registration import ENVIRONMENTS, register_environments


def run(code: str) -> str:
    """Return what a new Python process prints that stops at any warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_package_registers_its_environments_and_loads_no_renderer() -> None:
    code = (
        "import lapwing_gym, gymnasium, sys; "
        "print(sorted(name for name in gymnasium.registry if name.startswith('Lapwing/'))); "
        "print('panda3d' in sys.modules, 'simulator' in sys.modules)"
    )
    names, loaded = run(code).splitlines()
    assert names == "['Lapwing/Jungle-v0', 'Lapwing/Lake-v0', 'Lapwing/Track-v0']"
    assert loaded == "False False"


def test_gymnasium_imports_the_package_that_a_name_begins_with() -> None:
    code = (
        "import gymnasium; env = gymnasium.make('lapwing_gym:Lapwing/Jungle-v0'); "
        "print(env.observation_space.shape, env.action_space.shape)"
    )
    assert run(code) == "(160, 320, 3) (2,)"


@pytest.mark.filterwarnings("error")
def test_environments_that_are_registered_are_left_alone() -> None:
    register_environments()
    before = {name: gymnasium.spec(name) for name in ENVIRONMENTS}
    register_environments()
    assert all(gymnasium.spec(name) is spec for name, spec in before.items())
