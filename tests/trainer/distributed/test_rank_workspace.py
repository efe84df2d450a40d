import os
import signal
import subprocess
import sys
from pathlib import Path

from trainer.distributed.messages import Checkpoint
from trainer.distributed.rank_workspace import PREFIX, RankWorkspace, worker_folder
from trainer.training.epoch_state import EpochState
from trainer.training.run_state import TrainingState

HOLD = """
import sys, time
from pathlib import Path
from trainer.distributed.rank_workspace import worker_folder
with worker_folder(Path(sys.argv[1])):
    print("made", flush=True)
    time.sleep(60)
"""


def test_a_saved_state_is_sent_with_its_network(tmp_path: Path) -> None:
    sent: list[Checkpoint] = []
    workspace = RankWorkspace(tmp_path, "job-1", sent.append)
    state = TrainingState(["a"], unfinished=EpochState(1, 2))
    workspace.latest(state).write_bytes(b"two")
    workspace.write(state)
    state.unfinished = EpochState(1, 4)
    workspace.latest(state).write_bytes(b"four")
    workspace.write(state)
    assert [(each.name, each.content) for each in sent] == [
        ("step-1-2.h5", b"two"),
        ("step-1-4.h5", b"four"),
    ]
    assert sent[0].state.unfinished == EpochState(1, 2)  # what is sent does not change any more
    assert [path.name for path in workspace.path.iterdir()] == ["step-1-4.h5"]


def test_a_worker_resumes_from_the_network_that_it_is_given(tmp_path: Path) -> None:
    state = TrainingState(["a"], unfinished=EpochState(1, 2))
    workspace = RankWorkspace(tmp_path, "job-1", None)
    workspace.restore(Checkpoint(state, "step-1-2.h5", b"two"))
    assert workspace.latest(state).read_bytes() == b"two"


def test_a_worker_that_does_not_save_sends_nothing(tmp_path: Path) -> None:
    RankWorkspace(tmp_path, "job-1", None).write(TrainingState(["a"]))
    assert list((tmp_path / ".jobs" / "job-1").iterdir()) == []


def test_the_folder_of_a_killed_worker_is_removed_by_the_next_one(tmp_path: Path) -> None:
    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        return process

    killed, alive = start(), start()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    try:
        with worker_folder(tmp_path) as own:
            assert own.name.startswith(PREFIX)
            assert len(list(tmp_path.iterdir())) == 2  # the one of the living, and the own one
        assert len(list(tmp_path.iterdir())) == 1
    finally:
        alive.kill()
        alive.communicate()
