import logging
from pathlib import Path

import pytest

from contract.errors import TrainingError
from trainer.training import precision
from trainer.training.devices import Devices
from trainer.training.run_state import TrainingState, Workspace

WITH = Devices(False, True, "the CPU has avx512_bf16")
WITHOUT = Devices(False, False, "the CPU has neither amx_bf16 nor avx512_bf16")


@pytest.mark.parametrize(
    ("asked", "devices", "expected"),
    [
        pytest.param("auto", WITH, ("bfloat16", WITH.reason), id="auto-with"),
        pytest.param("auto", WITHOUT, ("float32", WITHOUT.reason), id="auto-without"),
        pytest.param("float32", WITH, ("float32", precision.ASKED), id="float32-with"),
        pytest.param("float32", WITHOUT, ("float32", precision.ASKED), id="float32-without"),
        pytest.param("bfloat16", WITH, ("bfloat16", precision.ASKED), id="bfloat16-with"),
    ],
)
def test_the_precision_is_the_one_asked_for_or_the_fastest(
    asked: str, devices: Devices, expected: tuple[str, str]
) -> None:
    assert precision.choose(asked, devices) == expected


def test_a_machine_that_would_emulate_bfloat16_refuses_to_begin_in_it() -> None:
    state = TrainingState(["lake"])
    with pytest.raises(TrainingError, match="neither amx_bf16 nor avx512_bf16") as refused:
        precision.keep(state, "bfloat16", WITHOUT)
    assert "Leave out --precision" in str(refused.value)
    assert state == TrainingState(["lake"])


@pytest.mark.parametrize(
    ("began", "resumed", "kept"),
    [
        pytest.param(WITH, WITHOUT, "bfloat16", id="with-then-without"),
        pytest.param(WITHOUT, WITH, "float32", id="without-then-with"),
    ],
)
def test_a_resumed_job_keeps_its_precision_on_another_machine(
    began: Devices,
    resumed: Devices,
    kept: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    workspace = Workspace(tmp_path, "job")
    state = TrainingState(["lake"])
    precision.keep(state, "auto", began)
    with workspace.lock():
        workspace.write(state)
        again = workspace.read()
    assert again is not None
    caplog.clear()
    precision.keep(again, "auto", resumed)
    assert (again.precision, again.precision_reason) == (kept, began.reason)
    told = [record.levelname for record in caplog.records]
    assert told == ["INFO", "WARNING"] if kept == "bfloat16" else ["INFO"]
    assert caplog.messages[0] == f"trained in {kept}: {began.reason}"
