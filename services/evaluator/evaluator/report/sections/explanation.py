"""The section on what the network looks at: the images that `lapwing explain` made."""

from __future__ import annotations

from typing import Final

from evaluator.report.assets import Assets
from evaluator.report.document import Block, Figure, Paragraph, Section, Table, format_number
from evaluator.report.version_folder import JsonValue, VersionFolder

FOLDER: Final = "explanation"
FILE: Final = f"{FOLDER}/explanation.json"
TITLE: Final = "What the network looks at"


def section(folder: VersionFolder, assets: Assets) -> Section:
    """Return the section with the images that explain a version."""
    document = folder.read(FILE)
    if document is None:
        text = (
            f"No explanation was made yet. `lapwing explain {folder.version}` draws the image as "
            "the network sees it, the activations, the saliency and the frames with the largest "
            "errors."
        )
        return Section("explanation", TITLE, (Paragraph(text, "missing"),))
    blocks: list[Block] = [
        Paragraph(
            "The saliency maps are made by VisualBackProp (Bojarski et al. 2016, arXiv "
            "1611.05418). They are bright where all convolutions have high activations. They do "
            "not show to which side a place in the image moves the steering. They do show that "
            "dark places have little influence."
        ),
        *(
            Paragraph(_sentence(missing.text()), "missing")
            for missing in document.elements("missing")
        ),
    ]
    for index, picture in enumerate(document.elements("pictures"), 1):
        name = assets.keep(folder.file(FOLDER, picture["file"], ".png"), f"explanation-{index}")
        source = f"{FOLDER}/{picture['file'].text()}"
        blocks.append(Figure(name, _sentence(picture["shows"].text()), source))
    figures = document.elements("figures")
    if figures:
        rows = tuple((figure["name"].text(), _format(figure)) for figure in figures)
        caption = "These values were measured for the explanation."
        blocks.append(Table(("measure", "value"), rows, caption, FILE))
    return Section("explanation", TITLE, tuple(blocks))


def _sentence(text: str) -> str:
    """Return a text with one full stop at its end."""
    return f"{text.rstrip('.')}."


def _format(figure: JsonValue) -> str:
    unit, value = figure["unit"].text(), figure.optional_number("value")
    form = ",.0f" if value is not None and value == int(value) else ".4g"
    return format_number(value, form, "" if unit == "1" else f" {unit}")
