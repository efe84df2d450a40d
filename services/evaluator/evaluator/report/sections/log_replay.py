"""How it drives along recordings again: closed loop without a simulator."""

from __future__ import annotations

from typing import Final

from evaluator.report.assets import Pictures
from evaluator.report.document import Block, Figure, Paragraph, Section, Table, number, slug
from evaluator.report.version_folder import Entry, VersionFolder

FOLDER: Final = "evaluations/replay"
FILE: Final = f"{FOLDER}/replay.json"
TITLE: Final = "Along recordings again (replay)"
NONE_HELD: Final = (
    "There was no recording, nor part of one, of which it is known that the version was not "
    "trained on it."
)


def section(folder: VersionFolder, pictures: Pictures) -> Section:
    """Return the section on the replay of recordings."""
    blocks: list[Block] = [
        Paragraph(
            "The recorded frames, warped to where the model has steered a virtual car; beyond a "
            "limit it is put back on the recorded path, and that counts as an intervention. "
            "Autonomy is 100 (1 − 6 s × interventions / time), as in Bojarski et al. 2016, arXiv "
            "1604.07316, section 7.1; it is not held at 0, so that bad drivers can be ranked."
        )
    ]
    document = folder.read(FILE)
    if document is None:
        text = f"Not done yet: `lapwing evaluate {folder.version}` does it, on every recording."
        return Section("replay", TITLE, (*blocks, Paragraph(text, "missing")))
    datasets = [*document["datasets"]]
    if not datasets:
        blocks.append(Paragraph(NONE_HELD, "missing"))
        return Section("replay", TITLE, tuple(blocks))
    rows = [row for each in datasets for row in _rows(each)]
    blocks.append(
        Table(
            ("recording", "rows", "limit", "autonomy", "put back", "RMSE", "at most"),
            tuple(rows),
            "Each recording at each limit: 1 m is DAVE-2's, at 3 m a wheel leaves the lake's road. "
            "RMSE and largest distance are from the recorded path.",
            FILE,
            words=1,
            wide=(0,),
        )
    )
    for each in datasets:
        name = each["dataset"].text()
        blocks += [Paragraph(text, "warning") for text in _unfit(each)]
        fair = each.words("held_out")
        for index, picture in enumerate(each.entries("pictures")):
            kept = pictures.keep(
                folder.file(FOLDER, picture, ".png"), f"replay-{slug(name)}-{index + 1}"
            )
            caption = f"`{name}`: the recorded path, and where the model drove"
            caption += f" ({fair})." if fair else "."
            blocks.append(Figure(kept, caption, f"{FOLDER}/{picture.text()}"))
    return Section("replay", TITLE, tuple(blocks))


def _rows(entry: Entry) -> list[tuple[str, ...]]:
    return [
        (
            entry["dataset"].text(),
            f"{entry['rows'].whole():,}",
            f"{drive['limit_m'].number():g} m",
            number(drive.maybe("autonomy_percent"), ".1f", " %"),
            f"{_count(drive)}",
            number(drive.maybe("deviation_rmse_m"), ".2f", " m"),
            number(drive.maybe("deviation_max_m"), ".2f", " m"),
        )
        for drive in entry["drives"]
    ]


def _count(drive: Entry) -> int:
    """Return how often a drive was put back: it lists where, or says how often."""
    found = drive["interventions"]
    return len([*found]) if isinstance(found.value, list) else found.whole()


def _unfit(entry: Entry) -> list[str]:
    reference = entry.get("reference")
    reasons = [] if reference is None else reference.entries("unfit")
    name = entry["dataset"].text()
    return [
        f"`{name}` is not fit as a reference: {reason.text()}. What it says of the model counts "
        "for less."
        for reason in reasons
    ]
