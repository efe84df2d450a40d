"""The rules of the house that can be read from its files."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import samples

from lapwing.processes import SERVICES

ROOT = samples.ROOT
PACKAGES = {
    path.name: path
    for path in [ROOT / "packages/contract/contract", ROOT / "packages/cli/lapwing",
                 *ROOT.glob("services/*/*/")]
    if (path / "__init__.py").exists()
}  # fmt: skip
MODULES = sorted(module for path in PACKAGES.values() for module in path.rglob("*.py"))
SERVICE_NAMES = set(PACKAGES) - {"contract", "lapwing"}

# The spine of each service, which may import all of its siblings, and the other doors.
SPINES = {
    "ingest": {"job", "__main__"},
    "trainer": {"job", "training", "importing", "stopped", "__main__"},
    "inference": {"app", "lane", "predict", "__main__"},
    "driver_bridge": {"app", "server", "__main__"},
    "simulator": {
        "__main__",
        "app",
        "drive",
        "evaluating",
        "gallery",
        "options",
        "record",
        "replay",
        "rerun",
        "rerunning",
        "scoring",
        "show",
        "trial",
    },
    "simulator.scene": {"scenery", "camera"},
    "ingest.doctor": {"examine", "__main__"},
}
# What a sibling may import nevertheless: the vocabulary of its service, and the one part it is made
# of. docs/adr/0001-house.md tells why.
PARTS = {
    "ingest": {"driving_log": {"decimal_comma"}, "decoder": {"driving_log"},
               "report": {"driving_log"}},
    "trainer": {
        "augment": {"recovery"}, "sides": {"index", "recovery"},
        "workspace": {"tally"}, "reader": {"augment", "ring"},
        "stream": {"augment", "reader", "ring"},
        # Reading a model file: the file, its layers one after another, and each one's parts.
        "hdf5": {"memory_cap"}, "checkpoint": {"hdf5"}, "learner": {"checkpoint"},
        "bytecode": {"affine", "marshalled"}, "scaling": {"affine", "bytecode", "marshalled"},
        "plain": {"sizes"}, "spelling": {"plain", "sizes"},
        "kinds": {"plain", "sizes", "spelling"},
        "modelfile": {"affine", "chain", "hdf5", "kinds", "plain", "scaling", "sizes", "spelling"},
        # What is done with the layers: the vocabulary is `plain`.
        "outline": {"plain", "sizes"}, "forward": {"plain", "sizes"}, "assemble": {"plain"},
        "preparation": {"affine", "plain", "sizes"}, "twin": {"assemble", "modelfile"},
        "rehearsal": {"modelfile"},
    },
    "inference": {"guard": {"answers"},
                  "lane_process": {"message"}, "crew": {"lane_process", "message"},
                  "engine": {"crew", "message", "metrics"},
                  "refusals": {"answers", "body", "engine", "lane_process"}},
    "driver_bridge": {"driver": {"age", "control"}, "session": {"driver", "loops"},
                      "frames": {"masking"}},
    "simulator": {
        "dialect": {"numbers"}, "wire": {"dialect", "numbers", "trips", "world"},
        "recorder": {"numbers"},
        "survey": {"track"}, "spline": {"track"}, "tracks": {"survey", "track"},
        "track_file": {"spline", "track"}, "starts": {"track"},
        "world": {"car", "track"}, "expert": {"car", "track", "world"},
        "drivers": {"dialect", "expert", "world"},
        "judge": {"trace", "track"}, "outcome": {"metrics", "trace"},
        "plan": {"track"}, "chart": {"plan", "ramp", "track"}, "film": {"dashboard", "mp4"},
        "video": {"mp4"},
        "recorded": {"car"}, "abreast": {"car"}, "reference": {"abreast", "car", "recorded"},
        "deviation": {"chart", "plan", "ramp"},
    },
    "simulator.scene": {
        "mesh": {"look"}, "ways": {"look", "mesh"}, "textures": {"noise"},
        "land": {"look", "mesh", "noise", "ways"}, "growth": {"land", "look", "mesh", "noise"},
        "road": {"look", "mesh", "textures", "ways"}, "sky": {"look", "mesh", "noise", "textures"},
        "bonnet": {"look"},
    },
    # The vocabulary is `drive` and `finding`.
    "ingest.doctor": {
        "pictures": {"drive", "shift"}, "follow": {"drive"},
        "cameras": {"drive", "finding", "follow"}, "lag": {"drive", "finding", "follow"},
        "bias": {"drive", "finding"}, "keyboard": {"drive", "finding"},
        "times": {"drive", "finding"}, "repeats": {"drive", "finding"},
        "rows": {"drive", "finding", "shift"}, "laps": {"drive", "finding"},
        "show": {"drive", "finding"},
    },
}  # fmt: skip
# What must never be installed with a service: the lightest path to the car stays light.
NEVER = {
    "inference": {"tensorflow", "tensorflow-cpu", "keras", "tables", "redis", "rq", "h5py"},
    "driver-bridge": {"numpy", "tensorflow", "tensorflow-cpu", "keras", "tables", "rq"},
    "simulator": {"tensorflow", "tensorflow-cpu", "keras", "tables", "redis", "rq"},
    "ingest": {"tensorflow", "tensorflow-cpu", "keras", "fastapi", "eventlet"},
    "cli": {"numpy", "tensorflow", "tensorflow-cpu", "keras", "tables", "fastapi", "eventlet"},
    "trainer": {"fastapi", "eventlet", "python-socketio"},
    "trainer-cuda": {"tensorflow-cpu", "fastapi", "eventlet"},
}


def imported(module: Path) -> set[str]:
    """Return the dotted names that a module imports, those of its functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def home(module: Path) -> tuple[str, Path]:
    """Return the dotted name of the package that a module is in, and its service's folder."""
    for path in PACKAGES.values():
        if module.is_relative_to(path):
            return ".".join(module.relative_to(path.parent).parts[:-1]), path
    raise AssertionError(module)


def siblings(module: Path) -> set[str]:
    """Return the modules of its own package that a module imports."""
    package, _ = home(module)
    names = {path.stem for path in module.parent.glob("*.py")}
    parts = [
        name.removeprefix(f"{package}.")
        for name in imported(module)
        if name.startswith(f"{package}.")
    ]
    return {part.split(".")[0] for part in parts} & names


def locked(lock: str) -> set[str]:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    return set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))


def label(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_services_never_import_each_other(module: Path) -> None:
    own = home(module)[1].name
    others = SERVICE_NAMES - {own}
    if own != "lapwing":
        others = others | {"lapwing"}
    assert not {name for name in imported(module) if name.split(".")[0] in others}


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_only_the_spine_imports_its_siblings(module: Path) -> None:
    package, _ = home(module)
    if package in SPINES and module.stem not in SPINES[package]:
        assert siblings(module) <= PARTS[package].get(module.stem, set())


def test_eventlet_is_known_to_one_file() -> None:
    assert [label(each) for each in MODULES
            if any(name.split(".")[0] == "eventlet" for name in imported(each))] == [
        "services/driver-bridge/driver_bridge/server.py"
    ]  # fmt: skip


def test_frames_are_decoded_and_resized_in_one_file() -> None:
    def prepares(module: Path) -> bool:
        text = module.read_text()
        return "decode_jpeg" in text or "cv2.resize" in text or "imdecode" in text

    assert [label(each) for each in MODULES if prepares(each)] == [
        "packages/contract/contract/frame.py"
    ]


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_no_file_is_loaded_by_what_may_run_it(module: Path) -> None:
    """Model files are data (docs/adr/0008-model-files.md): neither Keras nor marshal gets one."""
    names = {node.attr for node in ast.walk(ast.parse(module.read_text()))
             if isinstance(node, ast.Attribute)}  # fmt: skip
    assert not names & {"load_model", "model_from_json", "model_from_config", "load_weights",
                        "enable_unsafe_deserialization", "from_config"}  # fmt: skip
    assert not imported(module) & {"marshal", "pickle", "dill", "joblib", "cloudpickle"}


def test_only_who_installs_a_decoder_reaches_the_module_that_decodes() -> None:
    """Directly or by way of another module of the contract."""
    contract = {f"contract.{each.stem}": imported(each) for each in MODULES
                if each.parent.name == "contract"}  # fmt: skip
    for package, path in PACKAGES.items():
        project = tomllib.loads((path.parent / "pyproject.toml").read_text())["project"]
        if package == "contract" or any(
            "contract[frame" in each for each in project["dependencies"]
        ):
            continue
        reached: set[str] = set()
        found = {name for each in path.rglob("*.py") for name in imported(each)} & set(contract)
        while found - reached:
            reached |= found
            found = {name for each in reached for name in contract[each]} & set(contract)
        assert "contract.frame" not in reached, package


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_a_module_is_read_in_one_sitting(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 250


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_importing_does_nothing(module: Path) -> None:
    """At module level there are definitions, constants, and a typer app's commands; no calls."""
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text = ast.unparse(node)
            assert module.name == "app.py", f"{text} runs when {module} is imported"
            assert text.startswith("app.command"), f"{text} runs when {module} is imported"


@pytest.mark.parametrize("lock", NEVER)
def test_light_never_installs_heavy(lock: str) -> None:
    names = locked(lock)
    assert names, "the lock is empty"
    assert not names & NEVER[lock]


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.lock")), ids=label)
def test_a_lock_is_hashed_and_names_no_address(path: Path) -> None:
    text = path.read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_every_distribution_says_what_it_imports() -> None:
    for package, path in PACKAGES.items():
        project = tomllib.loads((path.parent / "pyproject.toml").read_text())
        assert project["tool"]["flit"]["module"]["name"] == package
        assert project["project"]["name"].startswith("lapwing-")


def test_compose_runs_the_table_of_processes() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    for process in SERVICES:
        dockerfile = ROOT / "services" / process.name / "Dockerfile"
        command = ", ".join(f'"{word}"' for word in ("python", *process.command[1:]))
        assert f"CMD [{command}]" in dockerfile.read_text()
        assert f"\n  {process.name}:\n" in compose
        assert f"dockerfile: services/{process.name}/Dockerfile" in compose
