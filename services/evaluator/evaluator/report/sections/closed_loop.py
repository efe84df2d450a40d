"""How it drives in the simulator, from many seeded starts, in each condition."""

from __future__ import annotations

from typing import Final

from evaluator.closed_loop.statistics import MEASURES
from evaluator.report import video_excerpt, video_stills
from evaluator.report.assets import Pictures
from evaluator.report.document import (
    MISSING,
    Block,
    Figure,
    Film,
    Paragraph,
    Section,
    Table,
    number,
    slug,
)
from evaluator.report.version_folder import Entry, VersionFolder

TITLE: Final = "In the simulator"
FORMS: Final = {
    "success_percent": ".0f",
    "autonomy_percent": ".0f",
    "interventions": ".1f",
    "off_road_percent": ".1f",
}
"""How measures are written; the others with two digits."""
MOST_PLACES: Final = 8
"""Of a drive that are listed; the chart shows all of them."""


def section(folder: VersionFolder, pictures: Pictures) -> Section:
    """Return the section on the drives in the simulator, with their charts and films."""
    names = folder.drives()
    if not names:
        text = f"It was not driven yet: `lapwing evaluate {folder.version}` has it drive."
        return Section("simulator", TITLE, (Paragraph(text, "missing"),))
    blocks: list[Block] = []
    for name in names:
        blocks += _evaluation(folder, name, pictures)
    return Section("simulator", TITLE, tuple(blocks))


def _evaluation(folder: VersionFolder, name: str, pictures: Pictures) -> list[Block]:
    place = f"evaluations/{name}"
    source = f"{place}/evaluation.json"
    document = folder.read(source)
    if document is None:
        return []
    conditions = [*document["conditions"]]
    laps = document["laps"].number()
    blocks: list[Block] = [
        Paragraph(
            f"{document['starts'].whole()} drives of {laps:g} lap{'' if laps == 1 else 's'} on "
            f"{document['track'].text()} in each condition, from starts with seed "
            f"{document['seed'].whole()}; the same starts in all of them, so conditions are "
            f"compared in pairs. Driven at {document.words('made_at', MISSING)}."
        ),
        _table(conditions, source),
    ]
    for index, picture in enumerate(document.entries("pictures")):
        kept = pictures.keep(folder.file(place, picture, ".png"), f"{name}-{index + 1}")
        blocks.append(Figure(kept, "The conditions side by side.", f"{place}/{picture.text()}"))
    for each in conditions:
        blocks += _condition(folder, place, name, each, pictures)
    return blocks


def _table(conditions: list[Entry], source: str) -> Table:
    rows = []
    for kind in MEASURES:
        form = FORMS.get(kind.name, ".2f")
        cells = [_interval(each["measures"].get(kind.name), form) for each in conditions]
        rows.append((kind.title, *cells))
    return Table(
        ("measure", *(each["condition"].text() for each in conditions)),
        tuple(rows),
        "Means with their 95 % intervals. Being put back costs 6 s of autonomy; the line is the "
        "one that people drive; restlessness is the root mean square of the steering's change.",
        source,
    )


def _interval(measure: Entry | None, form: str) -> str:
    if measure is None or measure.maybe("mean") is None:
        return MISSING
    unit = measure.words("unit")
    mean = number(measure.maybe("mean"), form, f" {unit}" if unit else "")
    low, high = measure.maybe("low"), measure.maybe("high")
    return mean if low is None or high is None else f"{mean} ({low:{form}}–{high:{form}})"


def _condition(
    folder: VersionFolder, place: str, name: str, entry: Entry, pictures: Pictures
) -> list[Block]:
    condition = entry["condition"].text()
    blocks: list[Block] = []
    stem = f"{name}-{slug(condition)}"
    for index, picture in enumerate(entry.entries("pictures")):
        kept = pictures.keep(folder.file(place, picture, ".png"), f"{stem}-{index + 1}")
        if picture.text().endswith("-worst.png"):
            caption = f"{condition}: the worst of the drives, and how far it was off the line."
        else:
            caption = f"{condition}: where the drives began, and where they were put back."
        blocks.append(Figure(kept, caption, f"{place}/{picture.text()}"))
    film = entry.get("film")
    if film is not None:
        path = folder.file(place, film, ".mp4")
        sheet, quick = pictures.name(f"{stem}-stills"), pictures.name(f"{stem}-quick", ".mp4")
        times = video_stills.sheet(path, pictures.path(sheet))
        video_excerpt.digest(path, pictures.path(quick))
        moments = ", ".join(f"{each:.0f}" for each in times)
        caption = f"{condition}: the worst of the drives, filmed (stills at {moments} s)."
        kept = pictures.keep(path, f"{stem}-film")
        blocks.append(Film(kept, quick, sheet, caption, f"{place}/{film.text()}"))
    failures = [
        (condition, str(index), *_failure(drive))
        for index, drive in enumerate(entry.entries("drives"), 1)
        if not drive["success"].flag()
    ]
    if failures:
        blocks.append(
            Table(
                ("condition", "drive", "way", "from", "where it was put back"),
                tuple(failures),
                f"{condition}: the drives that needed help, or did not end.",
                f"{place}/evaluation.json",
                words=5,
                wide=(4,),
            )
        )
    return blocks


def _failure(drive: Entry) -> tuple[str, str, str]:
    way = "forwards" if drive["direction"].number() > 0 else "backwards"
    helped = drive.entries("interventions")
    places = [
        f"{each['station_m'].number():.0f} m ({each['reason'].text().replace('_', ' ')})"
        for each in helped[:MOST_PLACES]
    ]
    if len(helped) > MOST_PLACES:
        places.append(f"and {len(helped) - MOST_PLACES} times more")
    where = ", ".join(places) or "nowhere: its time was up"
    return way, f"{drive['station_m'].number():.0f} m", where
