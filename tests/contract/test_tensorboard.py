from pathlib import Path

from contract.tensorboard import TensorBoardWriter


def events(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("events.out.tfevents.*")))


def test_values_are_on_the_disk_at_once(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, "job-1", 1) as writer:
        writer.scalars(1, {"loss": 0.5, "validation_mse": 0.25})
        written = events(tmp_path / "tensorboard" / "job-1")
    assert b"validation_mse" in written


def test_a_job_that_is_resumed_keeps_its_earlier_values(tmp_path: Path) -> None:
    for epoch in (0, 1):
        with TensorBoardWriter(tmp_path, "job-1", epoch + 1) as writer:
            writer.scalars(epoch + 1, {"loss": 0.5})
    assert events(tmp_path / "tensorboard" / "job-1").count(b"loss") == 2


def test_a_table_is_written_as_text(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, "job-1") as writer:
        writer.table(0, "configuration", {"epochs": 8})
    assert b"| epochs | `8` |" in events(tmp_path / "tensorboard" / "job-1")
