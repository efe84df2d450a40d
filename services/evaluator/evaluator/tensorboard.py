"""Writes evaluations for TensorBoard: one run for each condition, one step for each version.

TensorBoard then shows how each condition's results change from version to version, in
tensorboard/evaluations/<track>-<starts>x<laps>-seed<seed>/<condition>/.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from contract.tensorboard import TensorBoardWriter
from evaluator.closed_loop.statistics import MEASURES

RUN_FOLDER: Final = "evaluations"


def log_evaluation(models: Path, name: str, document: Mapping[str, Any]) -> None:
    """Write the measures of an evaluation.

    Args:
        models: the model volume.
        name: name of the evaluation; versions with evaluations of the same name share a chart.
        document: content of evaluation.json.
    """
    for condition in document["conditions"]:
        measures = {measure.name: condition["measures"][measure.name] for measure in MEASURES}
        values = {
            f"{name}{ending}": float(measure[statistic])
            for name, measure in measures.items()
            for ending, statistic in (("", "mean"), ("/low", "low"), ("/high", "high"))
            if measure[statistic] is not None
        }
        with TensorBoardWriter(models, f"{RUN_FOLDER}/{name}/{condition['condition']}") as board:
            board.scalars(int(document["version"]), values)
