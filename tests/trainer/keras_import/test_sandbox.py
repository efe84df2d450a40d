import time
from pathlib import Path

import pytest
from support.data import hostile_files, model_files

from contract.errors import ModelError
from trainer.jobs import import_model
from trainer.jobs.import_model import ImportOptions
from trainer.keras_import import sandbox


def test_reading_that_never_ends_is_stopped(tmp_path: Path) -> None:
    hostile_files.endless(tmp_path / "endless.h5")
    started_s = time.monotonic()
    with pytest.raises(ModelError, match=r"endless\.h5 is refused: .*did not end within 5 s"):
        import_model.load_network(tmp_path / "endless.h5", ImportOptions("x"), timeout_s=5)
    assert time.monotonic() - started_s < 15


def test_an_error_that_ends_the_process_is_reported(tmp_path: Path) -> None:
    good = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with pytest.raises(ModelError, match=r"reading it ended with status 1 .*TypeError"):
        sandbox.read_in_subprocess(good, unknown=1)


def test_good_files_and_refused_files_raise_nothing(tmp_path: Path) -> None:
    sandbox.read_in_subprocess(model_files.write(tmp_path / "m.h5", model_files.driver(2), 2))
    hostile_files.fill_value(tmp_path / "bomb.h5")
    sandbox.read_in_subprocess(tmp_path / "bomb.h5", size=(20, 40), normalize="x/255", output=None)
