"""Writes a report as Markdown, with its images and videos as files beside it."""

from __future__ import annotations

import re
from typing import Final

from evaluator.report.document import Block, Figure, Paragraph, Report, Table, Tiles, split_code

SPECIAL_CHARACTERS: Final = re.compile(r"([\\*_\[\]<>|#~])")


def render(report: Report) -> str:
    """Return the document; images and videos are linked relative to the report's folder."""
    parts = [f"# {_inline(report.title)}", _inline(report.subtitle)]
    for section in report.sections:
        parts.append(f"## {_inline(section.title)}")
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        text = _inline(block.text)
        return text if block.tone == "plain" else f"> {text}"
    if isinstance(block, Tiles):
        rows = tuple((tile.label, tile.value, tile.note) for tile in block.tiles)
        return _rows(("", "", ""), rows, 1)
    if isinstance(block, Table):
        return f"{_rows(block.head, block.rows, block.words)}\n\n{_caption(block)}"
    if isinstance(block, Figure):
        return f"![{_alt(block.caption)}]({block.file})\n\n{_caption(block)}"
    return f"[![{_alt(block.caption)}]({block.stills})]({block.file})\n\n{_caption(block)}"


def _rows(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], words: int) -> str:
    def line(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(_inline(cell) for cell in cells)} |"

    rule = tuple("---" if column < words else "---:" for column in range(len(head)))
    return "\n".join([line(head), f"|{'|'.join(rule)}|", *map(line, rows)])


def _caption(block: Block) -> str:
    if isinstance(block, Paragraph | Tiles):
        return ""
    return f"{_inline(block.caption)} [source: `{block.source}`]"


def _alt(caption: str) -> str:
    return SPECIAL_CHARACTERS.sub(r"\\\1", "".join(part for part, _ in split_code(caption)))


def _inline(text: str) -> str:
    return "".join(
        f"`{part.replace('|', chr(92) + '|')}`" if code else SPECIAL_CHARACTERS.sub(r"\\\1", part)
        for part, code in split_code(text)
    )
