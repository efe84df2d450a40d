"""The section on the drives in which the version steered along unseen with another one."""

from __future__ import annotations

from typing import Final

from evaluator.report.assets import Assets
from evaluator.report.document import Block, Figure, Paragraph, Section, Table, format_number
from evaluator.report.version_folder import JsonValue, VersionFolder

TITLE: Final = "In the shadow of another version"


def section(folder: VersionFolder, assets: Assets) -> Section | None:
    """Return the section on shadow drives, with their charts; None if there were none."""
    blocks: list[Block] = []
    for name in folder.shadow_names():
        blocks += _shadow_blocks(folder, name, assets)
    return Section("shadow", TITLE, tuple(blocks)) if blocks else None


def _shadow_blocks(folder: VersionFolder, name: str, assets: Assets) -> list[Block]:
    shadow_folder = f"evaluations/{name}"
    source = f"{shadow_folder}/shadow.json"
    document = folder.read(source)
    if document is None:
        return []
    drivers = " and ".join(f"version {driver.integer()}" for driver in document["drivers"])
    blocks: list[Block] = [
        Paragraph(
            f"While {drivers} drove, this version steered along unseen in "
            f"{document['moments'].integer():,} frames of {document['seconds'].number():.0f} s. "
            "The two steered to opposite sides in "
            f"{document['opposite_percent'].number():.1f} % of the frames, and "
            "the correlation of their steering is "
            f"{format_number(document.optional_number('correlation'), '.3f')}. The comparison was "
            f"made at {document['made_at'].text()}."
        ),
        Table(
            ("steering of the car", "frames", "difference, mean", "mean size"),
            tuple(_row(steering_bin) for steering_bin in document["by_bin"]),
            f"Differences of version {folder.version} from the version that drove are in degrees "
            "at the front wheels; positive ones are to the right. The largest is "
            f"{document['max_deg'].number():.1f}°, and 95 % are below "
            f"{document['p95_deg'].number():.1f}°.",
            source,
        ),
    ]
    captions = {
        "steering.png": "The lines show what both versions steered over time.",
        "worst.png": "These are the moments in which the two versions differed most.",
    }
    for index, picture in enumerate(document.elements("pictures"), 1):
        path = folder.file(shadow_folder, picture, ".png")
        caption = captions.get(picture.text(), "This picture belongs to the comparison.")
        blocks.append(
            Figure(assets.keep(path, f"{name}-{index}"), caption, f"{shadow_folder}/{path.name}")
        )
    return blocks


def _row(steering_bin: JsonValue) -> tuple[str, ...]:
    low, high = steering_bin["from"].number(), steering_bin["to"].number()
    return (
        f"{low:+.2f} to {high:+.2f}",
        f"{steering_bin['rows'].number():,.0f}",
        f"{round(steering_bin['bias_deg'].number(), 2) + 0.0:+.2f}°",
        f"{steering_bin['mae_deg'].number():.2f}°",
    )
