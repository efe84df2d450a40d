"""The page of all settings and the example file name every variable that Lapwing reads."""

import importlib.util
import re
import subprocess
import sys
from types import ModuleType

import pytest
from support.house import MODULES, ROOT

SCRIPT = ROOT / "tools" / "settings_reference.py"
NAME = re.compile(r"LAPWING_[A-Z_]*[A-Z]")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("settings_reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["settings_reference"] = module
    spec.loader.exec_module(module)
    return module


def test_both_files_are_fresh() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_variable_that_is_read_is_in_both_files(reference: ModuleType) -> None:
    files = [
        *MODULES,
        *ROOT.glob("docker-compose*.yml"),
        *ROOT.glob("observe/*.py"),
        *ROOT.glob("containers/*"),
    ]
    read = {name for file in files for name in NAME.findall(file.read_text())}
    # The docstring of contract/settings.py has an example.
    read -= {*reference.INTERNAL, "LAPWING_PORT"}
    page = set(NAME.findall((ROOT / "docs" / "settings.md").read_text()))
    assert read <= page
    former = {entry.variable.formerly for entry in reference.collect()}
    example = re.findall(r"^#(LAPWING_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(example) == sorted(set(example)), "a variable is there twice"
    assert read - former <= set(example)


def test_every_variable_is_explained_by_a_sentence(reference: ModuleType) -> None:
    others = [*reference.OF_COMPOSE, *reference.OF_THE_CLUSTER, *reference.OF_NODES_BY_HAND]
    others += [*reference.OF_THE_SIMULATOR, *reference.OF_TESTS]
    for variable in [entry.variable for entry in reference.collect()] + others:
        assert re.fullmatch(r"[A-Z`].*\.", variable.description), variable.name


def test_the_defaults_of_compose_are_those_of_its_file(reference: ModuleType) -> None:
    for file, variables in (
        ("docker-compose.yml", reference.OF_COMPOSE),
        ("docker-compose.cluster.yml", reference.OF_THE_CLUSTER),
    ):
        compose = (ROOT / file).read_text()
        for variable in variables:
            assert f"${{{variable.name}:-{variable.default}}}" in compose
