"""What the network looks at: the pictures that `lapwing explain` made."""

from __future__ import annotations

from typing import Final

from evaluator.report.assets import Pictures
from evaluator.report.document import Block, Figure, Paragraph, Section, Table, number
from evaluator.report.version_folder import Entry, VersionFolder

FOLDER: Final = "explanation"
FILE: Final = f"{FOLDER}/explanation.json"
TITLE: Final = "What it looks at"


def section(folder: VersionFolder, pictures: Pictures) -> Section:
    """Return the section of the pictures that explain a version."""
    document = folder.read(FILE)
    if document is None:
        text = (
            f"Not asked yet: `lapwing explain {folder.version}` draws the picture as the network "
            "sees it, its activations and its saliency, and the frames that it finds hardest."
        )
        return Section("explanation", TITLE, (Paragraph(text, "missing"),))
    blocks: list[Block] = [
        Paragraph(
            "The saliency is VisualBackProp's (Bojarski et al. 2016, arXiv 1611.05418): bright is "
            "what all convolutions answer to. It does not say which way a place pushes the "
            "steering; what it rules out is what stays dark."
        ),
        *(
            Paragraph(f"{each.text().rstrip('.')}.", "missing")
            for each in document.entries("missing")
        ),
    ]
    for index, each in enumerate(document.entries("pictures")):
        kept = pictures.keep(folder.file(FOLDER, each["file"], ".png"), f"explanation-{index + 1}")
        source = f"{FOLDER}/{each['file'].text()}"
        blocks.append(Figure(kept, f"{each['shows'].text().rstrip('.')}.", source))
    figures = document.entries("figures")
    if figures:
        rows = tuple((each["name"].text(), _written(each)) for each in figures)
        blocks.append(Table(("figure", "value"), rows, "What was measured on the way.", FILE))
    return Section("explanation", TITLE, tuple(blocks))


def _written(figure: Entry) -> str:
    unit, value = figure["unit"].text(), figure.maybe("value")
    form = ",.0f" if value is not None and value == int(value) else ".4g"
    return number(value, form, "" if unit == "1" else f" {unit}")
