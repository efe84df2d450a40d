"""The section on driving in the simulator: many seeded starts under each condition."""

from __future__ import annotations

from typing import Final

from evaluator.closed_loop.statistics import MEAN_SPEED, MEASURES
from evaluator.report import video_excerpt, video_stills
from evaluator.report.assets import Assets
from evaluator.report.document import (
    MISSING,
    Block,
    Figure,
    Paragraph,
    Section,
    Table,
    Video,
    format_number,
    slug,
)
from evaluator.report.version_folder import JsonValue, VersionFolder

TITLE: Final = "In the simulator"
FORMATS: Final = {
    "success_percent": ".0f",
    "autonomy_percent": ".0f",
    "interventions": ".1f",
    "off_road_percent": ".1f",
    MEAN_SPEED.name: ".1f",
}
"""Number formats of the measures; the others have two decimals."""
MAX_PLACES: Final = 8
"""Largest number of interventions of a drive that are listed; the chart shows all of them."""


def section(folder: VersionFolder, assets: Assets) -> Section:
    """Return the section on the drives in the simulator, with their charts and videos."""
    names = folder.evaluation_names()
    if not names:
        text = (
            "The version has not driven in the simulator yet. "
            f"`lapwing evaluate {folder.version}` lets it drive."
        )
        return Section("simulator", TITLE, (Paragraph(text, "missing"),))
    blocks: list[Block] = []
    for name in names:
        blocks += _evaluation_blocks(folder, name, assets)
    return Section("simulator", TITLE, tuple(blocks))


def _evaluation_blocks(folder: VersionFolder, name: str, assets: Assets) -> list[Block]:
    evaluation_folder = f"evaluations/{name}"
    source = f"{evaluation_folder}/evaluation.json"
    document = folder.read(source)
    if document is None:
        return []
    conditions = [*document["conditions"]]
    laps = document["laps"].number()
    blocks: list[Block] = [
        Paragraph(
            f"Under each condition the version drove {document['starts'].integer()} times "
            f"{laps:g} lap{'' if laps == 1 else 's'} on {document['track'].text()}. The starts "
            f"have the seed {document['seed'].integer()} and are the same under all conditions, "
            "so the conditions can be compared in pairs. The evaluation was made at "
            f"{document.optional_text('made_at', MISSING)}."
        ),
        _measures_table(conditions, source),
    ]
    for index, picture in enumerate(document.elements("pictures"), 1):
        kept = assets.keep(folder.file(evaluation_folder, picture, ".png"), f"{name}-{index}")
        path = f"{evaluation_folder}/{picture.text()}"
        blocks.append(Figure(kept, "The conditions are compared side by side.", path))
    for condition in conditions:
        blocks += _condition_blocks(folder, evaluation_folder, name, condition, assets)
    return blocks


def _measures_table(conditions: list[JsonValue], source: str) -> Table:
    rows = []
    for measure in (*MEASURES, MEAN_SPEED):
        if measure is MEAN_SPEED and conditions[0]["measures"].get(measure.name) is None:
            continue  # it has not learned its speed
        form = FORMATS.get(measure.name, ".2f")
        cells = [
            _format_interval(condition["measures"].get(measure.name), form)
            for condition in conditions
        ]
        rows.append((measure.title, *cells))
    return Table(
        ("measure", *(condition["condition"].text() for condition in conditions)),
        tuple(rows),
        "The table shows means, with 95 % intervals in brackets. Each intervention costs 6 s of "
        "autonomy. Distances are from the line that people drive. Whiteness is the root mean "
        "square of the steering's rate of change.",
        source,
    )


def _format_interval(measure: JsonValue | None, form: str) -> str:
    if measure is None or measure.optional_number("mean") is None:
        return MISSING
    unit = measure.optional_text("unit")
    mean = format_number(measure.optional_number("mean"), form, f" {unit}" if unit else "")
    low, high = measure.optional_number("low"), measure.optional_number("high")
    return mean if low is None or high is None else f"{mean} ({low:{form}}–{high:{form}})"


def _condition_blocks(
    folder: VersionFolder, evaluation_folder: str, name: str, document: JsonValue, assets: Assets
) -> list[Block]:
    condition = document["condition"].text()
    blocks: list[Block] = []
    stem = f"{name}-{slug(condition)}"
    for index, picture in enumerate(document.elements("pictures"), 1):
        kept = assets.keep(folder.file(evaluation_folder, picture, ".png"), f"{stem}-{index}")
        if picture.text().endswith("-worst.png"):
            caption = (
                f"Condition {condition}: this is the worst drive. The colour shows how far it was "
                "from the line."
            )
        else:
            caption = (
                f"Condition {condition}: the map shows where the drives began, and where the car "
                "was put back on the road."
            )
        blocks.append(Figure(kept, caption, f"{evaluation_folder}/{picture.text()}"))
    film = document.get("film")
    if film is not None:
        path = folder.file(evaluation_folder, film, ".mp4")
        stills, excerpt = assets.name(f"{stem}-stills"), assets.name(f"{stem}-quick", ".mp4")
        times = video_stills.write_stills(path, assets.path(stills))
        video_excerpt.write_excerpt(path, assets.path(excerpt))
        moments = ", ".join(f"{time_s:.0f}" for time_s in times)
        caption = (
            f"Condition {condition}: this is a video of the worst drive. The stills are at "
            f"{moments} s."
        )
        kept = assets.keep(path, f"{stem}-film")
        source = f"{evaluation_folder}/{film.text()}"
        blocks.append(Video(kept, excerpt, stills, caption, source))
    failures = [
        (condition, str(number), *_describe_failure(drive))
        for number, drive in enumerate(document.elements("drives"), 1)
        if not drive["success"].boolean()
    ]
    if failures:
        blocks.append(
            Table(
                ("condition", "drive", "direction", "start", "interventions"),
                tuple(failures),
                f"Condition {condition}: these drives had interventions or did not finish.",
                f"{evaluation_folder}/evaluation.json",
                words=5,
                wide=(4,),
            )
        )
    return blocks


def _describe_failure(drive: JsonValue) -> tuple[str, str, str]:
    direction = "forwards" if drive["direction"].number() > 0 else "backwards"
    interventions = drive.elements("interventions")
    places = [
        f"{intervention['station_m'].number():.0f} m "
        f"({intervention['reason'].text().replace('_', ' ')})"
        for intervention in interventions[:MAX_PLACES]
    ]
    if len(interventions) > MAX_PLACES:
        places.append(f"and {len(interventions) - MAX_PLACES} more")
    where = ", ".join(places) or "none, but the time was up"
    return direction, f"{drive['station_m'].number():.0f} m", where
