"""What the network looks at: the pictures that `lapwing explain` made."""

from __future__ import annotations

from typing import Final

from evaluator.report.document import Block, Figure, Paragraph, Section
from evaluator.report.pictures import Pictures
from evaluator.report.source import VersionFolder

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
    blocks: list[Block] = []
    for index, each in enumerate(document.entries("pictures")):
        kept = pictures.keep(folder.file(FOLDER, each["file"], ".png"), f"explanation-{index + 1}")
        parts = [each.words("title"), each.words("caption")]
        caption = ". ".join(part.rstrip(".") for part in parts if part)
        blocks.append(Figure(kept, f"{caption}.", f"{FOLDER}/{each['file'].text()}"))
    if not blocks:
        blocks.append(Paragraph(f"`{FILE}` lists no pictures.", "missing"))
    return Section("explanation", TITLE, tuple(blocks))
