"""The rules of the house that can be read from its files."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from house import MODULES, PACKAGES, ROOT, TESTS, home, imported, label

SERVICES_OF_OURS = {f"lapwing-{path.name}" for path in ROOT.glob("services/*")}

# The spine of each service, which may import all of its siblings, and the other doors.
SPINES = {
    "ingest": {"job", "__main__"},
    "trainer": {"job", "training", "importing", "explaining", "stopped", "__main__"},
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
    "evaluator": {"collecting", "evaluating", "gating", "reporting", "__main__"},
    "evaluator.report": {"compose"},
    "ingest.doctor": {"examine", "__main__"},
}
# What a sibling may import nevertheless: the vocabulary of its service, and the one part it is made
# of. docs/adr/0001-house.md tells why.
PARTS = {
    "ingest": {},
    "trainer": {
        "augment": {"recovery"},
        "sides": {"index", "recovery"},
        "workspace": {"tally"},
        "reader": {"augment", "ring"},
        "stream": {"augment", "reader", "ring"},
        # Reading a model file: the file, its layers one after another, and each one's parts.
        "hdf5": {"memory_cap"},
        "checkpoint": {"hdf5"},
        "learner": {"checkpoint"},
        "bytecode": {"affine", "marshalled"},
        "scaling": {"affine", "bytecode", "marshalled"},
        "plain": {"sizes"},
        "spelling": {"plain", "sizes"},
        "kinds": {"plain", "sizes", "spelling"},
        "modelfile": {"affine", "chain", "hdf5", "kinds", "plain", "scaling", "sizes", "spelling"},
        # What is done with the layers: the vocabulary is `plain`.
        "outline": {"plain", "sizes"},
        "forward": {"plain", "sizes"},
        "assemble": {"plain"},
        "preparation": {"affine", "plain", "sizes"},
        "twin": {"assemble", "modelfile"},
        "rehearsal": {"modelfile"},
        "material": {"index", "split", "steering"},
        # What a version sees: the chain's layers one after another, and pictures of them.
        "maps": {"forward", "plain"},
        "saliency": {"forward", "maps", "plain", "sizes"},
        "eye": {"maps", "plain", "saliency", "views"},
        "sheets": {"canvas"},
        "views": {"canvas"},
        "charts": {"canvas"},
        "judged": {"lineage", "score", "split"},
        "drawing": {"account", "charts", "chosen", "eye", "judged", "lineage", "sheets", "views"},
        "taught": {"charts", "config", "index", "lineage", "material", "sides"},
    },
    "inference": {
        "guard": {"answers"},
        "lane_process": {"message"},
        "crew": {"lane_process", "message"},
        "engine": {"crew", "message", "metrics"},
        "refusals": {"answers", "body", "engine", "lane_process"},
    },
    "driver_bridge": {
        "driver": {"age", "control"},
        "session": {"driver", "loops"},
        "frames": {"masking"},
    },
    "simulator": {
        "dialect": {"numbers"},
        "wire": {"dialect", "numbers", "trips", "world"},
        "recorder": {"numbers"},
        "survey": {"track"},
        "spline": {"track"},
        "tracks": {"survey", "track"},
        "track_file": {"spline", "track"},
        "starts": {"track"},
        "world": {"car", "track"},
        "expert": {"car", "track", "world"},
        "drivers": {"car", "dialect", "expert", "world"},
        "judge": {"trace", "track"},
        "outcome": {"metrics", "trace"},
        "plan": {"track"},
        "chart": {"plan", "ramp", "track"},
        "film": {"dashboard", "mp4"},
        "video": {"mp4"},
        "recorded": {"car"},
        "policies": {"recorded"},
        "leak": {"recorded"},
        "abreast": {"car"},
        "reference": {"abreast", "car", "recorded"},
        "deviation": {"chart", "plan", "ramp"},
    },
    "evaluator": {
        "boarding": {"measures"},
        "comparison": {"measures"},
        "driving": {"conditions"},
        "pictures": {"measures"},
        "replays": {"stored"},
    },
    # A section is made of blocks (`document`), out of files (`source`) and pictures (`charts`).
    "evaluator.report": {
        "charts": {"style"},
        "html": {"document"},
        "markdown": {"document"},
        "pdf": {"document", "style"},
        "summary": {"document", "open_loop", "source"},
        "simulator": {"digest", "document", "pictures", "source", "stills"},
        "rerun": {"document", "pictures", "source"},
        "open_loop": {"charts", "document", "pictures", "rerun", "source"},
        "explanation": {"document", "pictures", "source"},
        "data": {"charts", "document", "pictures", "source"},
        "network": {"document", "source"},
        "training": {"charts", "document", "pictures", "source"},
        "provenance": {"document", "source"},
    },
    "simulator.scene": {
        "mesh": {"look"},
        "ways": {"look", "mesh"},
        "textures": {"noise"},
        "land": {"look", "mesh", "noise", "ways"},
        "growth": {"land", "look", "mesh", "noise"},
        "road": {"look", "mesh", "textures", "ways"},
        "sky": {"look", "mesh", "noise", "textures"},
        "bonnet": {"look"},
    },
    # The vocabulary is `drive` and `finding`.
    "ingest.doctor": {
        "pictures": {"drive", "shift"},
        "follow": {"drive"},
        "cameras": {"drive", "finding", "follow"},
        "lag": {"drive", "finding", "follow"},
        "bias": {"drive", "finding"},
        "keyboard": {"drive", "finding"},
        "times": {"drive", "finding"},
        "repeats": {"drive", "finding"},
        "rows": {"drive", "finding", "shift"},
        "laps": {"drive", "finding"},
        "show": {"drive", "finding"},
    },
}


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


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_services_never_import_each_other(module: Path) -> None:
    """They share libraries of our own: those that their pyproject.toml lists."""
    own = home(module)[1]
    project = tomllib.loads((own.parent / "pyproject.toml").read_text())["project"]
    needs = {re.split(r"[^a-z-]", each)[0] for each in project["dependencies"]}
    assert needs & SERVICES_OF_OURS == set()
    others = {name for name in PACKAGES if f"lapwing-{name}" not in needs} - {own.name}
    assert not {name for name in imported(module) if name.split(".")[0] in others}


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_only_the_spine_imports_its_siblings(module: Path) -> None:
    package, _ = home(module)
    if package in SPINES and module.stem not in SPINES[package]:
        assert siblings(module) <= PARTS[package].get(module.stem, set())


def test_eventlet_is_known_to_one_file() -> None:
    assert [
        label(each)
        for each in MODULES
        if any(name.split(".")[0] == "eventlet" for name in imported(each))
    ] == ["services/driver-bridge/driver_bridge/server.py"]


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
    names = {
        node.attr
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert not names & {
        "load_model",
        "model_from_json",
        "model_from_config",
        "load_weights",
        "enable_unsafe_deserialization",
        "from_config",
    }
    assert not imported(module) & {"marshal", "pickle", "dill", "joblib", "cloudpickle"}


def test_only_who_installs_a_decoder_reaches_the_module_that_decodes() -> None:
    """Directly or by way of another module of the contract."""
    contract = {
        f"contract.{each.stem}": imported(each)
        for each in MODULES
        if each.parent.name == "contract"
    }
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
        assert "contract.frames.preprocess" not in reached, package


def test_who_reads_a_recording_installs_nothing_for_it() -> None:
    parts = {
        "contract.recordings.archive",
        "contract.recordings.driving_log",
        "contract.recordings.decimal_comma",
        "contract.dataset.split_file",
        "contract.errors",
    }
    for part in parts:
        names = imported(PACKAGES["contract"] / f"{part.removeprefix('contract.')}.py")
        for name in names:
            ours = name == "contract" or ".".join(name.split(".")[:2]) in parts
            assert ours or name.split(".")[0] in sys.stdlib_module_names, f"{part}: {name}"


@pytest.mark.parametrize("module", [*MODULES, *TESTS], ids=label)
def test_a_module_is_read_in_one_sitting(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_importing_does_nothing(module: Path) -> None:
    """At module level there are definitions, constants, and a typer app's commands; no calls."""
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text = ast.unparse(node)
            assert module.name == "app.py", f"{text} runs when {module} is imported"
            assert text.startswith("app.command"), f"{text} runs when {module} is imported"
