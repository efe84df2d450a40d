"""The summary: whether the version drives, how sure that is, and whether it is current."""

from __future__ import annotations

from typing import Final

from evaluator.report.document import (
    Block,
    Paragraph,
    Section,
    Tile,
    Tiles,
    format_number,
)
from evaluator.report.sections.open_loop import skill
from evaluator.report.version_folder import JsonValue, VersionFolder

CLEAR: Final = "clear"
"""The condition without any difficulty."""


def section(folder: VersionFolder, current: int | None) -> Section:
    """Return the summary.

    Args:
        folder: folder of the version.
        current: the current version; None if there is none.
    """
    evaluation = _largest_evaluation(folder)
    tiles = [*(_driving_tiles(evaluation) if evaluation else []), *_learning_tiles(folder)]
    blocks: list[Block] = [Paragraph(_describe_driving(folder.version, evaluation))]
    if tiles:
        blocks.append(Tiles(tuple(tiles)))
    blocks.append(Paragraph(_status(folder, current)))
    return Section("summary", "Summary", tuple(blocks))


def _largest_evaluation(folder: VersionFolder) -> JsonValue | None:
    """Return the evaluation with the most starts."""
    documents = [
        folder.read(f"evaluations/{name}/evaluation.json") for name in folder.evaluation_names()
    ]
    evaluations = [document for document in documents if document is not None]
    return max(evaluations, key=lambda document: document["starts"].integer(), default=None)


def _clear_condition(evaluation: JsonValue) -> JsonValue | None:
    """Return the condition without difficulties, or else the first one."""
    conditions = [*evaluation["conditions"]]
    clear = [condition for condition in conditions if condition["condition"].text() == CLEAR]
    return next(iter(clear + conditions), None)


def _describe_driving(version: int, evaluation: JsonValue | None) -> str:
    clear = None if evaluation is None else _clear_condition(evaluation)
    if evaluation is None or clear is None:
        return (
            f"It is not known whether version {version} drives: it has not been evaluated in the "
            "simulator. The report has only errors on recorded frames, which say little about "
            f"driving. `lapwing evaluate {version}` lets the version drive."
        )
    drives = clear.elements("drives")
    successes = sum(drive["success"].boolean() for drive in drives)
    laps = evaluation["laps"].number()
    text = (
        f"Version {version} drove {laps:g} lap{'' if laps == 1 else 's'} of "
        f"{evaluation['track'].text()} without intervention in {successes} of {len(drives)} drives."
    )
    measure = clear["measures"].get("success_percent")
    low = None if measure is None else measure.optional_number("low")
    high = None if measure is None else measure.optional_number("high")
    if low is not None and high is not None:
        text += (
            f" From this number of drives, the true share lies between {low:.0f} and {high:.0f} % "
            "(95 % interval)."
        )
    return f"{text} {_weakest_condition(evaluation)}"


def _weakest_condition(evaluation: JsonValue) -> str:
    autonomies = [
        (value, condition["condition"].text())
        for condition in evaluation["conditions"]
        if (value := _mean(condition, "autonomy_percent")) is not None
    ]
    if len(autonomies) < 2:
        return "It was not evaluated under more difficult conditions."
    value, name = min(autonomies)
    if value == max(autonomies)[0]:
        return f"Its autonomy is {value:.1f} % under each of {len(autonomies)} conditions."
    return (
        f"Of {len(autonomies)} conditions, {name} is the most difficult: its autonomy there is "
        f"{value:.1f} %."
    )


def _mean(condition: JsonValue, key: str) -> float | None:
    measure = condition["measures"].get(key)
    return None if measure is None else measure.optional_number("mean")


def _driving_tiles(evaluation: JsonValue) -> list[Tile]:
    clear = _clear_condition(evaluation)
    if clear is None:
        return []
    name = clear["condition"].text()
    measures = (
        ("drives without intervention", "success_percent", ".0f", " %"),
        ("autonomy", "autonomy_percent", ".1f", " %"),
        ("mean distance from the line", "lateral_mae_m", ".2f", " m"),
    )
    tiles = []
    for label, key, form, unit in measures:
        measure = clear["measures"].get(key)
        if measure is not None:
            low, high = measure.optional_number("low"), measure.optional_number("high")
            note = name if low is None or high is None else f"{low:{form}} to {high:{form}}, {name}"
            value = format_number(measure.optional_number("mean"), form, unit)
            tiles.append(Tile(label, value, note))
    return tiles


def _learning_tiles(folder: VersionFolder) -> list[Tile]:
    """Return tiles on the validation of the training; none if there was no validation."""
    metrics = folder.manifest["metrics"]
    mse = metrics.optional_number("validation_mse")
    if mse is None:
        return []
    zero, hold = (metrics.optional_number(f"validation_mse_{name}") for name in ("zero", "hold"))
    return [
        Tile(
            "skill on recorded frames",
            format_number(skill(mse, zero, hold), "+.2f"),
            f"MSE {mse:.4f}; zero {format_number(zero, '.4f')}, hold {format_number(hold, '.4f')}",
        ),
        Tile(
            "correlation with the driver",
            format_number(metrics.optional_number("validation_correlation"), ".3f"),
            "on validation rows",
        ),
    ]


def _status(folder: VersionFolder, current: int | None) -> str:
    version, decisions = folder.version, folder.decisions()
    accepted = [decision for decision in decisions if decision.accepted]
    refused = [decision for decision in decisions if not decision.accepted]
    if current == version:
        text = "It is the current version"
        if accepted:
            text += f" since {accepted[-1].at} ({accepted[-1].by}): {accepted[-1].why}"
        return text.rstrip(".") + "."
    current_version = "no version" if current is None else f"version {current}"
    text = f"It is not the current version; {current_version} is."
    if refused:
        text += f" It was refused at {refused[-1].at} ({refused[-1].by}): {refused[-1].why}"
    return text.rstrip(".") + "."
