"""What TensorBoard shows of evaluations: a run a condition, a step a version.

So that it draws how each condition was mastered from version to version:
tensorboard/evaluations/<track>-<starts>x<laps>-seed<seed>/<condition>/.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from contract.tensorboard import TensorBoardWriter
from evaluator.closed_loop.statistics import MEASURES

FOLDER: Final = "evaluations"


def show(models: Path, name: str, document: Mapping[str, Any]) -> None:
    """Show the measures of an evaluation.

    Args:
        models: the model volume.
        name: of the evaluation; versions that were evaluated alike are in one chart.
        document: evaluation.json.
    """
    for condition in document["conditions"]:
        found = {each.name: condition["measures"][each.name] for each in MEASURES}
        values = {
            f"{key}{part}": float(measure[end])
            for key, measure in found.items()
            for part, end in (("", "mean"), ("/low", "low"), ("/high", "high"))
            if measure[end] is not None
        }
        with TensorBoardWriter(models, f"{FOLDER}/{name}/{condition['condition']}") as board:
            board.scalars(int(document["version"]), values)
