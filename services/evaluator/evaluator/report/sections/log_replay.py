"""The section on log replay: driving along recordings in closed loop, without a simulator."""

from __future__ import annotations

from typing import Final

from evaluator.report.assets import Assets
from evaluator.report.document import (
    Block,
    Figure,
    Paragraph,
    Section,
    Table,
    format_number,
    slug,
)
from evaluator.report.version_folder import JsonValue, VersionFolder

FOLDER: Final = "evaluations/replay"
FILE: Final = f"{FOLDER}/replay.json"
TITLE: Final = "Log replay of recordings"
NOTHING_HELD_OUT: Final = (
    "There is no recording, or part of one, that the version was certainly not trained on."
)


def section(folder: VersionFolder, assets: Assets) -> Section:
    """Return the section on log replay."""
    blocks: list[Block] = [
        Paragraph(
            "The model steers a virtual car along each recording. It sees the recorded frames, "
            "warped to the position of the virtual car. When the car is further from the recorded "
            "path than a limit, it is put back on the path, and this counts as an intervention. "
            "Autonomy is 100 (1 − 6 s × interventions / time), as in Bojarski et al. 2016, arXiv "
            "1604.07316, section 7.1. It can be below 0, so that bad drivers can be ranked too."
        )
    ]
    document = folder.read(FILE)
    if document is None:
        text = (
            "No log replay was made yet. "
            f"`lapwing evaluate {folder.version}` replays every recording."
        )
        return Section("replay", TITLE, (*blocks, Paragraph(text, "missing")))
    datasets = [*document["datasets"]]
    if not datasets:
        blocks.append(Paragraph(NOTHING_HELD_OUT, "missing"))
        return Section("replay", TITLE, tuple(blocks))
    blocks.append(
        Table(
            ("recording", "rows", "limit", "autonomy", "interventions", "RMSE", "largest"),
            tuple(row for dataset in datasets for row in _rows(dataset)),
            "Each recording was driven once for each limit. 1 m is the limit of DAVE-2; at 3 m a "
            "wheel leaves the lake's road. RMSE is the root mean square of the distance from the "
            "recorded path; the last column is the largest distance.",
            FILE,
            words=1,
            wide=(0,),
        )
    )
    for dataset in datasets:
        name = dataset["dataset"].text()
        blocks += [Paragraph(text, "warning") for text in _warnings(dataset)]
        reason = dataset.optional_text("held_out")
        for index, picture in enumerate(dataset.elements("pictures"), 1):
            path = folder.file(FOLDER, picture, ".png")
            kept = assets.keep(path, f"replay-{slug(name)}-{index}")
            caption = f"The recorded path of `{name}` and the path that the model drove"
            caption += f" ({reason})." if reason else "."
            blocks.append(Figure(kept, caption, f"{FOLDER}/{picture.text()}"))
    return Section("replay", TITLE, tuple(blocks))


def _rows(dataset: JsonValue) -> list[tuple[str, ...]]:
    return [
        (
            dataset["dataset"].text(),
            f"{dataset['rows'].integer():,}",
            f"{drive['limit_m'].number():g} m",
            format_number(drive.optional_number("autonomy_percent"), ".1f", " %"),
            f"{_intervention_count(drive)}",
            format_number(drive.optional_number("deviation_rmse_m"), ".2f", " m"),
            format_number(drive.optional_number("deviation_max_m"), ".2f", " m"),
        )
        for drive in dataset["drives"]
    ]


def _intervention_count(drive: JsonValue) -> int:
    """Return the number of interventions; a drive has a list of them or their number."""
    interventions = drive["interventions"]
    if isinstance(interventions.value, list):
        return len([*interventions])
    return interventions.integer()


def _warnings(dataset: JsonValue) -> list[str]:
    reference = dataset.get("reference")
    problems = [] if reference is None else reference.elements("unfit")
    name = dataset["dataset"].text()
    return [
        f"The path of `{name}` is not fit for comparison: {problem.text()}. Its results say less "
        "about the model."
        for problem in problems
    ]
