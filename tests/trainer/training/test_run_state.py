import json
from pathlib import Path

import pytest

from trainer.training.epoch_state import EpochState
from trainer.training.run_state import RULES, TrainingState, Workspace


def test_a_new_job_has_no_state(tmp_path: Path) -> None:
    with Workspace(tmp_path, "job").lock():
        assert Workspace(tmp_path, "job").read() is None


def test_the_state_survives_the_process(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "job")
    with workspace.lock():
        workspace.write(TrainingState(["lake"], [{"loss": 1.0}], 1))
        assert Workspace(tmp_path, "job").read() == TrainingState(["lake"], [{"loss": 1.0}], 1)


def test_the_state_of_an_earlier_release_keeps_its_rules(tmp_path: Path) -> None:
    """Its training goes on with all rows, and with the blocks that it drew."""
    workspace = Workspace(tmp_path, "job")
    with workspace.lock():
        workspace.write(TrainingState(["lake"], rules=RULES))
        path = workspace.path / "state.json"
        document = json.loads(path.read_text())
        assert document.pop("rules") == RULES
        del document["unfit"]
        path.write_text(json.dumps(document))
        state = workspace.read()
    assert state is not None
    assert state.rules < RULES
    assert state.unfit == {}


@pytest.mark.parametrize(
    ("errors", "first", "best"),
    [
        ([3.0, 2.0, 2.5], 1, 2),
        ([1.0, 2.0], 4, 2),
        ([1.0, 2.0, 3.0, 4.0], 4, 4),
        ([1.0, 2.0, 3.0, 4.0, 4.5, 3.5, 3.7], 4, 6),
        ([1.0, 4.0, 4.0], 2, 2),
    ],
    ids=["first-counts", "too-few", "the-first-that-counts", "a-later-one", "equal"],
)
def test_the_best_epoch_is_one_that_counts(errors: list[float], first: int, best: int) -> None:
    state = TrainingState(["lake"])
    for number, error in enumerate(errors, 1):
        if state.is_best(error, first):
            state.best_epoch = number
        state.history.append({"validation_mse": error})
    assert state.best_epoch == best


def test_only_the_last_and_the_best_network_are_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "job")
    with workspace.lock():
        for epoch in (1, 2, 3, 4):
            workspace.network(epoch).touch()
        (workspace.path / ".epoch-5.abc.tmp.h5").touch()
        workspace.write(TrainingState(["lake"], [{}] * 4, best_epoch=2))
        kept = sorted(path.name for path in workspace.path.iterdir())
    assert kept == ["epoch-2.h5", "epoch-4.h5", "state.json"]


def test_the_latest_network_within_an_epoch_is_kept_too(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "job")
    state = TrainingState(["lake"], [{}], best_epoch=1, unfinished=EpochState(2, 7, 448, 1.5, "ab"))
    with workspace.lock():
        for name in ("epoch-1", "step-2-3", "step-2-7"):
            (workspace.path / f"{name}.h5").touch()
        workspace.write(state)
        kept = sorted(path.name for path in workspace.path.iterdir())
        assert workspace.read() == state
    assert kept == ["epoch-1.h5", "state.json", "step-2-7.h5"]
    assert workspace.latest(state).name == "step-2-7.h5"


def test_the_staging_folder_starts_empty(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "job")
    with workspace.lock():
        (workspace.staging_dir() / "model.h5").touch()
        assert list(workspace.staging_dir().iterdir()) == []


def test_nothing_is_left_of_a_discarded_job(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "job")
    with workspace.lock():
        workspace.write(TrainingState(["lake"]))
        workspace.discard()
    assert list((tmp_path / ".jobs").iterdir()) == []
