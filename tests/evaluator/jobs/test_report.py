"""Runs the report job as the worker does, without a queue."""

from pathlib import Path

import pytest
from support.data import reported

from contract.errors import JobError, ModelError
from evaluator.jobs import report


def test_the_result_has_the_path_of_each_format(tmp_path: Path) -> None:
    folder = reported.publish(tmp_path / "models")
    phases: list[object] = []
    result = report.write(tmp_path / "models", 1, lambda **fields: phases.append(fields["phase"]))
    assert phases == ["draw", "write"]
    assert result["version"] == 1
    assert result["folder"] == str(folder / "report")
    for form in ("html", "markdown", "pdf"):
        assert Path(result[form]).stat().st_size > 1000


def test_a_missing_version_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model version"):
        report.write(tmp_path, 3, lambda **fields: None)


def test_outside_a_job_nothing_is_written() -> None:
    with pytest.raises(JobError, match="this process runs no job"):
        report.run(1)
