import time
from pathlib import Path

import pytest
from support.data import hostile_files, model_files

from contract.errors import ModelError
from trainer.jobs import import_model
from trainer.jobs.import_model import Choices
from trainer.keras_import import sandbox


def test_a_file_that_would_be_read_for_ever_is_given_up(tmp_path: Path) -> None:
    hostile_files.endless(tmp_path / "endless.h5")
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"endless\.h5 is refused: .*did not end within 5 s"):
        import_model.understand(tmp_path / "endless.h5", Choices("x"), limit_s=5)
    assert time.monotonic() - began < 15


def test_what_ends_the_process_is_said(tmp_path: Path) -> None:
    good = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with pytest.raises(ModelError, match=r"reading it ended with status 1 .*TypeError"):
        sandbox.rehearse(good, unknown=1)


def test_good_files_and_refused_ones_are_left_to_the_reader(tmp_path: Path) -> None:
    sandbox.rehearse(model_files.write(tmp_path / "m.h5", model_files.driver(2), 2))
    hostile_files.fill_value(tmp_path / "bomb.h5")
    sandbox.rehearse(tmp_path / "bomb.h5", size=(20, 40), normalize="x/255", output=None)
