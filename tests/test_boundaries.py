"""The rules of the house that can be read from its files."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from support.house import MODULES, PACKAGES, ROOT, TESTS, home, imported, label

FOLDERS = sorted(path.parent for path in MODULES if path.name == "__init__.py")
MOST_MODULES = 17
SERVICES_OF_OURS = {f"lapwing-{path.name}" for path in ROOT.glob("services/*")}

# What each package is made of, its sub-packages and its own modules, in the order of their use:
# each imports only what stands to the right of a ">" after it. Those between two ">" do not import
# each other.
ORDER = {
    "contract": (
        "policy > models steering_metrics > dataset train_config > recordings frames jobs"
        " tensorboard > wire"
        " > atomic_files child_process inbox settings > errors vehicle"
    ),
    "ingest": "__main__ > job > decoder store_writer import_report settings doctor",
    "ingest.doctor": (
        "__main__ > runner output > checks > yaw_correlation frame_features finding"
        " > phase_correlation recording_arrays"
    ),
    "trainer": (
        "__main__ > jobs > explain export gate > material training keras_import outline"
        " > data graph > safe_hdf5 settings > memory_cap"
    ),
    "evaluator": (
        "__main__ > jobs > report tensorboard > closed_loop > offline plotting > settings"
    ),
    "evaluator.offline": (
        "__main__ > rerun_command score_command > output path_plot log_replay_eval > log_replay"
        " > replay_policies > view_warp path_quality stored_drive leakage held_out"
        " > virtual_car logged_drive"
    ),
    "evaluator.report": (
        "compose > sections renderers > video_excerpt video_stills plots assets"
        " > document version_folder"
    ),
    "inference": "__main__ > app > api > workers model_watcher > metrics settings",
    "driver_bridge": (
        "__main__ > server > app > connection > control"
        " > drive_recorder inference_client live_publisher metrics log_limit settings"
    ),
    "simulator": (
        "__main__ > cli > episode > viz > recording > unity drivers > world rendering"
        " > track vehicle command"
    ),
    "lapwing": (
        "__main__ > app > commands > dagger stack > jobs programs inference_client"
        " > output options settings"
    ),
}


def places(package: str) -> dict[str, int]:
    """Return where each part of a package stands in its order."""
    groups = ORDER[package].split(">")
    return {name: place for place, group in enumerate(groups) for name in group.split()}


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_services_never_import_each_other(module: Path) -> None:
    """They share libraries of our own: those that their pyproject.toml lists."""
    own = home(module)[1]
    project = tomllib.loads((own.parent / "pyproject.toml").read_text())["project"]
    needs = {re.split(r"[^a-z-]", each)[0] for each in project["dependencies"]}
    assert needs & SERVICES_OF_OURS == set()
    others = {name for name in PACKAGES if f"lapwing-{name}" not in needs} - {own.name}
    assert not {name for name in imported(module) if name.split(".")[0] in others}


@pytest.mark.parametrize("package", ORDER)
def test_the_order_of_a_package_names_all_of_its_parts(package: str) -> None:
    folder = PACKAGES[package.split(".")[0]].parent.joinpath(*package.split("."))
    parts = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert set(places(package)) == parts - {"__init__"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_an_order(package: str) -> None:
    assert package in ORDER


@pytest.mark.parametrize("package", ORDER)
def test_a_part_imports_only_those_after_it(package: str) -> None:
    order, prefix = places(package), f"{package}."
    folder = PACKAGES[package.split(".")[0]].parent.joinpath(*package.split("."))
    against = set()
    for module in folder.rglob("*.py"):
        here = module.relative_to(folder).parts[0].removesuffix(".py")
        for name in imported(module):
            there = name.removeprefix(prefix).split(".")[0] if name.startswith(prefix) else here
            if there in order and there != here and order[there] <= order[here]:
                against.add(f"{label(module)} imports {name}")
    assert not against


@pytest.mark.parametrize("package", FOLDERS, ids=label)
def test_a_folder_holds_what_can_be_taken_in_at_a_glance(package: Path) -> None:
    modules = [path for path in package.glob("*.py") if path.stem != "__init__"]
    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize("package", FOLDERS, ids=label)
def test_a_package_begins_with_a_sentence_and_nothing_else(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


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
        "packages/contract/contract/frames/preprocess.py"
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
        f"{home(each)[0]}.{each.stem}": imported(each)
        for each in MODULES
        if home(each)[1] == PACKAGES["contract"]
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
        names = imported(PACKAGES["contract"].parent / f"{part.replace('.', '/')}.py")
        for name in names:
            ours = any(
                f"{name}.".startswith(f"{each}.") or f"{each}.".startswith(f"{name}.")
                for each in parts
            )
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
