"""What to know of a version first: does it drive, how sure is that, and is it the one that does."""

from __future__ import annotations

from typing import Final

from evaluator.report.document import (
    Block,
    Paragraph,
    Section,
    Tile,
    Tiles,
    number,
)
from evaluator.report.sections.open_loop import skill
from evaluator.report.version_folder import Entry, VersionFolder

CLEAR: Final = "clear"
"""The condition without any hindrance."""


def section(folder: VersionFolder, current: int | None) -> Section:
    """Return the summary.

    Args:
        folder: of the version.
        current: the version that drives, None where there is none.
    """
    evaluation = _main(folder)
    tiles = [*(_driven(evaluation) if evaluation else []), *_learnt(folder)]
    blocks: list[Block] = [Paragraph(_verdict(folder.version, evaluation))]
    if tiles:
        blocks.append(Tiles(tuple(tiles)))
    blocks.append(Paragraph(_standing(folder, current)))
    return Section("summary", "Summary", tuple(blocks))


def _main(folder: VersionFolder) -> Entry | None:
    """Return the evaluation with the most starts."""
    found = [folder.read(f"evaluations/{name}/evaluation.json") for name in folder.drives()]
    known = [each for each in found if each is not None]
    return max(known, key=lambda each: each["starts"].whole(), default=None)


def _clear(evaluation: Entry) -> Entry | None:
    """Return the condition without hindrance, or the first one."""
    conditions = [*evaluation["conditions"]]
    named = [each for each in conditions if each["condition"].text() == CLEAR]
    return next(iter(named + conditions), None)


def _verdict(version: int, evaluation: Entry | None) -> str:
    clear = None if evaluation is None else _clear(evaluation)
    if evaluation is None or clear is None:
        return (
            f"Whether version {version} drives is not known: nobody has let it. What stands below "
            "are errors on recorded frames, which have misled many. "
            f"`lapwing evaluate {version}` has it drive."
        )
    drives = clear.entries("drives")
    alone = sum(drive["success"].flag() for drive in drives)
    laps = evaluation["laps"].number()
    told = (
        f"Version {version} drove {laps:g} lap{'' if laps == 1 else 's'} of "
        f"{evaluation['track'].text()} without help in {alone} of {len(drives)} drives"
    )
    measure = clear["measures"].get("success_percent")
    low = None if measure is None else measure.maybe("low")
    high = None if measure is None else measure.maybe("high")
    if low is not None and high is not None:
        told += (
            f". From so many drives, the true share lies between {low:.0f} and {high:.0f} % "
            "(95 % interval)"
        )
    return f"{told}. {_weakest(evaluation)}"


def _weakest(evaluation: Entry) -> str:
    found = [
        (value, each["condition"].text())
        for each in evaluation["conditions"]
        if (value := _mean(each, "autonomy_percent")) is not None
    ]
    if len(found) < 2:
        return "It was not tried in harder conditions."
    value, name = min(found)
    if value == max(found)[0]:
        return f"Its autonomy is {value:.1f} % in each of {len(found)} conditions."
    return f"Its weakest condition of {len(found)} is {name}, with {value:.1f} % autonomy."


def _mean(condition: Entry, key: str) -> float | None:
    measure = condition["measures"].get(key)
    return None if measure is None else measure.maybe("mean")


def _driven(evaluation: Entry) -> list[Tile]:
    clear = _clear(evaluation)
    if clear is None:
        return []
    name = clear["condition"].text()
    told = (
        ("drives without help", "success_percent", ".0f", " %"),
        ("autonomy", "autonomy_percent", ".1f", " %"),
        ("off the line, mean", "lateral_mae_m", ".2f", " m"),
    )
    tiles = []
    for label, key, form, unit in told:
        measure = clear["measures"].get(key)
        if measure is not None:
            low, high = measure.maybe("low"), measure.maybe("high")
            note = name if low is None or high is None else f"{low:{form}} to {high:{form}}, {name}"
            tiles.append(Tile(label, number(measure.maybe("mean"), form, unit), note))
    return tiles


def _learnt(folder: VersionFolder) -> list[Tile]:
    """Return what was learnt of recorded frames, as far as there was a validation."""
    metrics = folder.manifest["metrics"]
    mse = metrics.maybe("validation_mse")
    if mse is None:
        return []
    zero, hold = (metrics.maybe(f"validation_mse_{name}") for name in ("zero", "hold"))
    return [
        Tile(
            "skill on recorded frames",
            number(skill(mse, zero, hold), "+.2f"),
            f"MSE {mse:.4f}; zero {number(zero, '.4f')}, hold {number(hold, '.4f')}",
        ),
        Tile(
            "correlation with the driver",
            number(metrics.maybe("validation_correlation"), ".3f"),
            "on rows that did not train",
        ),
    ]


def _standing(folder: VersionFolder, current: int | None) -> str:
    version, decisions = folder.version, folder.decisions()
    accepted = [each for each in decisions if each.accepted]
    refused = [each for each in decisions if not each.accepted]
    if current == version:
        told = "It is the current version"
        if accepted:
            told += f" since {accepted[-1].at} ({accepted[-1].by}): {accepted[-1].why}"
        return told.rstrip(".") + "."
    driving = "no version" if current is None else f"version {current}"
    told = f"It is not the current version; {driving} is."
    if refused:
        told += f" It was refused at {refused[-1].at} ({refused[-1].by}): {refused[-1].why}"
    return told.rstrip(".") + "."
