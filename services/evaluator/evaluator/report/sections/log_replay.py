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
            (
                "recording",
                "rows",
                "limit",
                "autonomy",
                "interventions",
                "RMSE",
                "about its median",
                "largest",
                "left the road",
            ),
            tuple(row for dataset in datasets for row in _rows(dataset)),
            "Each recording was driven once for each limit. 1 m is the limit of DAVE-2; at 3 m a "
            "wheel leaves the lake's road. RMSE is the root mean square of the distance from the "
            "recorded path; about its median, the steady part of the distance is taken out, since "
            "another line than the recorded driver's is no worse. The last column counts how often "
            "a wheel was beyond the road's edge, as the pictures show it, whatever the recorded "
            "driver did there; a dash says that too little of the road was found.",
            FILE,
            words=1,
            wide=(0,),
        )
    )
    for dataset in datasets:
        name = dataset["dataset"].text()
        blocks += [Paragraph(text, "warning") for text in _warnings(dataset)]
        blocks += [Paragraph(text) for text in _describe_road(dataset)]
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
            format_number(drive.optional_number("deviation_without_steady_rmse_m"), ".2f", " m"),
            format_number(drive.optional_number("deviation_max_m"), ".2f", " m"),
            _times_off_road(drive),
        )
        for drive in dataset["drives"]
    ]


def _times_off_road(drive: JsonValue) -> str:
    """Return how often a drive left the road; documents of release 0.1.0 do not say it."""
    road = drive.get("road")
    return format_number(None if road is None else road.optional_number("times_off_road"), ".0f")


def _describe_road(dataset: JsonValue) -> list[str]:
    """Return what is known of the road of a recording, as a sentence or none."""
    road = dataset.get("road")
    if road is None:
        return []
    name = dataset["dataset"].text()
    found = f"The road of `{name}` was found in {road['found_percent'].number():.0f} % of the rows"
    left_m = road.optional_number("driver_left_m")
    if left_m is None:
        return [f"{found}, which is too few to say where the car was on it."]
    return [
        f"{found}, {road['width_m'].number():g} m wide. Its driver kept {abs(left_m):.1f} m to the "
        f"{'left' if left_m > 0 else 'right'} of its middle, and was off the road in "
        f"{road['driver_off_road_percent'].number():.1f} % of them."
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
