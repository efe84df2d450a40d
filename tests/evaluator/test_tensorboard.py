from pathlib import Path

import pytest
from support.data.boards import scalars

from evaluator import tensorboard
from evaluator.closed_loop import statistics

DRIVE = {
    "success": True, "interventions": [],
    "metrics": {
        "autonomy_percent": 98.0, "lateral_mae_m": 0.2, "lateral_max_m": None,
        "off_road_share": 0.0, "whiteness_per_s": 0.5,
    },
}  # fmt: skip


def document(version: int) -> dict[str, object]:
    found = {"condition": "fog", "measures": statistics.summarize([DRIVE, DRIVE])}
    return {"version": version, "conditions": [found]}


def test_each_version_is_a_step_and_earlier_steps_stay(tmp_path: Path) -> None:
    for version in (3, 2):
        tensorboard.log_evaluation(tmp_path, "lake-2x1-seed1", document(version))
    shown = scalars(tmp_path / "tensorboard" / "evaluations" / "lake-2x1-seed1" / "fog")
    assert sorted(shown["autonomy_percent"]) == [(2, 98.0), (3, 98.0)]
    assert shown["success_percent/low"][0][1] == pytest.approx(34.2, abs=0.1)
    assert "lateral_max_m" not in shown
