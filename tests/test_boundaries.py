"""Checks the rules of the code base that can be read from its files."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from support.house import MODULES, PACKAGES, ROOT, TESTS, home, imported, label

FOLDERS = sorted(path.parent for path in MODULES if path.name == "__init__.py")
MOST_MODULES = 15
REGISTERING = "packages/gym/lapwing_gym/__init__.py"
"""Gymnasium learns of environments by importing a package: this one registers them, and no more."""
SERVICES_OF_OURS = {f"lapwing-{path.name}" for path in ROOT.glob("services/*")}

# The sub-packages and modules of each package, in an order. A part imports only parts that stand to
# the right of the next ">". Parts between two ">" do not import each other.
ORDER = {
    "contract": (
        "training_plan > policy > models steering_metrics driver_speed > dataset train_config"
        " > recordings frames jobs tensorboard storage > wire cluster"
        " > files child_process perpetual printing redis_client settings watchdog > setting_forms"
        " > errors vehicle > printable"
    ),
    "ingest": (
        "__main__ > overview > doctor > job > decoder store_writer import_report leftovers"
        " > settings"
    ),
    "ingest.overview": "job > steering_plot contact_sheet > drive summary canvas",
    "ingest.doctor": (
        "__main__ > output > examination > runner stored_recording store_faults > checks"
        " > yaw_correlation frame_features finding > phase_correlation recording_arrays"
    ),
    "trainer": (
        "__main__ > jobs > export explain distributed > training keras_import > data graph"
        " > framework safe_hdf5 settings"
    ),
    "evaluator": ("__main__ > jobs > report tensorboard > closed_loop shadow > offline > settings"),
    "evaluator.offline": (
        "__main__ > rerun_command score_command > output path_plot log_replay_eval > log_replay"
        " > replay_policies > road lens > view_warp path_quality stored_drive leakage held_out"
        " > virtual_car logged_drive"
    ),
    "evaluator.offline.road": "report > track > finder",
    "evaluator.report": (
        "compose > sections renderers > video_excerpt video_stills plots assets"
        " > document version_folder"
    ),
    "inference": "__main__ > app > follower api > workers model_watcher > metrics settings",
    "driver_bridge": (
        "__main__ > server > http_protocol > app > connection > control"
        " > drive_recorder inference_client live_publisher metrics log_limit settings"
    ),
    "simulator": (
        "__main__ > cli > episode > viz > recording calibration > unity drivers > world rendering"
        " > track vehicle command"
    ),
    "lapwing_gym": "driving_env > camera_cache reward starts registration",
    "lapwing": (
        "__main__ > app > commands > dagger datasets prune stack > jobs programs inference_client"
        " > output options settings"
    ),
}


def positions(package: str) -> dict[str, int]:
    """Return the position of each part of a package in its order."""
    groups = ORDER[package].split(">")
    return {name: position for position, group in enumerate(groups) for name in group.split()}


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_services_never_import_each_other(module: Path) -> None:
    """They share only those of our libraries that their pyproject.toml lists."""
    own = home(module)[1]
    project = tomllib.loads((own.parent / "pyproject.toml").read_text())["project"]
    needs = {re.split(r"[^a-z-]", line)[0] for line in project["dependencies"]}
    assert needs & SERVICES_OF_OURS == set()
    others = {name for name in PACKAGES if f"lapwing-{name}" not in needs} - {own.name}
    assert not {name for name in imported(module) if name.split(".")[0] in others}


@pytest.mark.parametrize("package", ORDER)
def test_the_order_of_a_package_names_all_of_its_parts(package: str) -> None:
    folder = PACKAGES[package.split(".")[0]].parent.joinpath(*package.split("."))
    parts = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert set(positions(package)) == parts - {"__init__"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_an_order(package: str) -> None:
    assert package in ORDER


@pytest.mark.parametrize("package", ORDER)
def test_a_part_imports_only_parts_after_it(package: str) -> None:
    order, prefix = {"__init__": -1, **positions(package)}, f"{package}."
    folder = PACKAGES[package.split(".")[0]].parent.joinpath(*package.split("."))
    violations = set()
    for module in folder.rglob("*.py"):
        here = module.relative_to(folder).parts[0].removesuffix(".py")
        for name in imported(module):
            there = name.removeprefix(prefix).split(".")[0] if name.startswith(prefix) else here
            if there in order and there != here and order[there] <= order[here]:
                violations.add(f"{label(module)} imports {name}")
    assert not violations


@pytest.mark.parametrize("package", FOLDERS, ids=label)
def test_a_folder_holds_few_modules(package: Path) -> None:
    modules = [path for path in package.glob("*.py") if path.stem != "__init__"]
    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize("package", FOLDERS, ids=label)
def test_the_init_of_a_package_holds_only_a_docstring(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    if label(package / "__init__.py") == REGISTERING:
        assert [ast.unparse(node) for node in tree.body[1:]] == [
            "from lapwing_gym.registration import register_environments",
            "register_environments()",
        ]
    else:
        assert len(tree.body) == 1


def test_a_class_name_means_one_thing() -> None:
    """Every service has its Settings; no other public name is given to two classes."""
    homes: dict[str, list[str]] = {}
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(label(module))
    shared = {name: modules for name, modules in homes.items() if len(modules) > 1}
    assert set(shared) == {"Settings"}, shared


def test_only_the_server_and_its_protocol_import_eventlet() -> None:
    assert [
        module.name
        for module in MODULES
        if any(name.split(".")[0] == "eventlet" for name in imported(module))
    ] == ["http_protocol.py", "server.py"]


def test_only_one_file_decodes_and_resizes_frames() -> None:
    def prepares(module: Path) -> bool:
        text = module.read_text()
        return "decode_jpeg" in text or "cv2.resize" in text or "imdecode" in text

    assert [label(module) for module in MODULES if prepares(module)] == [
        "packages/contract/contract/frames/preprocess.py"
    ]


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_no_module_loads_files_with_code_that_may_run_them(module: Path) -> None:
    """Model files are data (docs/adr/0008-model-files.md): Keras and marshal never load one."""
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


def test_only_packages_with_a_decoder_import_the_module_that_decodes() -> None:
    """This holds for imports through other modules of the contract, too."""
    contract = {
        f"{home(module)[0]}.{module.stem}": imported(module)
        for module in MODULES
        if home(module)[1] == PACKAGES["contract"]
    }
    for package, path in PACKAGES.items():
        project = tomllib.loads((path.parent / "pyproject.toml").read_text())["project"]
        if package == "contract" or any(
            "contract[frame" in line for line in project["dependencies"]
        ):
            continue
        reached: set[str] = set()
        names = {name for module in path.rglob("*.py") for name in imported(module)}
        while (names & set(contract)) - reached:
            reached |= names & set(contract)
            names = {name for module in reached for name in contract[module]}
        assert "contract.frames.preprocess" not in reached, package


def test_reading_a_recording_needs_only_the_standard_library() -> None:
    parts = {
        "contract.recordings.archive",
        "contract.recordings.decimal_comma",
        "contract.recordings.donkey_tub",
        "contract.recordings.driving_log",
        "contract.recordings.image_paths",
        "contract.recordings.line_reader",
        "contract.recordings.log_columns",
        "contract.recordings.log_form",
        "contract.recordings.log_reader",
        "contract.recordings.log_rows",
        "contract.recordings.log_text",
        "contract.recordings.reject_reasons",
        "contract.recordings.row_order",
        "contract.recordings.steering_unit",
        "contract.recordings.packed.budget",
        "contract.recordings.packed.tar_stream",
        "contract.recordings.packed.unpack",
        "contract.dataset.split_file",
        "contract.files.disk_space",
        "contract.files.flushes",
        "contract.files.locks",
        "contract.files.regular_files",
        "contract.errors",
        "contract.printable",
        "contract.vehicle",
    }
    for part in parts:
        names = imported(PACKAGES["contract"].parent / f"{part.replace('.', '/')}.py")
        for name in names:
            ours = any(
                f"{name}.".startswith(f"{other}.") or f"{other}.".startswith(f"{name}.")
                for other in parts
            )
            assert ours or name.split(".")[0] in sys.stdlib_module_names, f"{part}: {name}"


@pytest.mark.parametrize("module", [*MODULES, *TESTS], ids=label)
def test_a_module_has_at_most_400_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400


@pytest.mark.parametrize(
    "module", [module for module in MODULES if label(module) != REGISTERING], ids=label
)
def test_importing_a_module_has_no_effects(module: Path) -> None:
    """A module holds definitions and constants; only typer apps call functions: app.command."""
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text = ast.unparse(node)
            assert module.name == "app.py", f"{text} runs when {module} is imported"
            assert re.match(r"(\w+_)?app\.(command|add_typer)\(", text), (
                f"{text} runs when {module} is imported"
            )
