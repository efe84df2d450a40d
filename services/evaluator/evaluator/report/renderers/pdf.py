"""The report as PDF, for paper and for those who file it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    KeepTogether,
    SimpleDocTemplate,
    Spacer,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from evaluator.plotting.style import FAINT, INK, RULE
from evaluator.report.document import (
    Block,
    Figure,
    Film,
    Paragraph,
    Report,
    Section,
    Table,
    Tiles,
    spans,
)

FONTS: Final = {
    "Report": "DejaVuSans.ttf",
    "Report-Bold": "DejaVuSans-Bold.ttf",
    "Report-Code": "DejaVuSansMono.ttf",
}
"""Matplotlib's own, which has every sign that the report writes; the charts are set in it too."""
SIDE: Final = 18 * mm
WIDTH: Final = A4[0] - 2 * SIDE
TALLEST: Final = 105 * mm
"""Of a picture: two of them, and their captions, fit on a page."""
TINT: Final = HexColor("#f4f6f8")


def render(report: Report, folder: Path, path: Path) -> None:
    """Write the document to `path`; pictures are read from the report's folder."""
    for name, file in FONTS.items():
        registerFont(TTFont(name, str(Path(mpl.get_data_path()) / "fonts" / "ttf" / file)))
    registerFontFamily("Report", normal="Report", bold="Report-Bold")
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=SIDE,
        rightMargin=SIDE,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=report.title,
        author="Lapwing",
        lang="en",
        invariant=1,
    )
    story: list[Flowable] = [
        Text(_inline(report.title), _style("title", 20, 24, bold=True)),
        Text(_inline(report.subtitle), _style("subtitle", 8.5, 12, FAINT, after=8)),
    ]
    for section in report.sections:
        story += _section(section, folder)

    def foot(canvas: Canvas, page: SimpleDocTemplate) -> None:
        canvas.setFont("Report", 7.5)
        canvas.setFillColor(HexColor(FAINT))
        canvas.drawString(SIDE, 11 * mm, report.title)
        canvas.drawRightString(A4[0] - SIDE, 11 * mm, str(page.page))

    document.build(story, onFirstPage=foot, onLaterPages=foot)


class _Bookmark(Flowable):
    """Takes no room; makes a section found in the reader's outline."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self._key, self._title = key, title

    def wrap(self, *_: float) -> tuple[float, float]:
        return 0, 0

    def draw(self) -> None:
        self.canv.bookmarkPage(self._key)
        self.canv.addOutlineEntry(self._title, self._key)


def _section(section: Section, folder: Path) -> list[Flowable]:
    head: list[Flowable] = [
        _Bookmark(section.key, section.title),
        Text(_inline(section.title), _style("head", 13, 17, bold=True, before=14, after=3)),
    ]
    first, *rest = (_block(each, folder) for each in section.blocks)
    # A table may be longer than a page; a picture stays with its caption.
    kept = [
        [KeepTogether(parts)] if isinstance(block, Figure | Film) else parts
        for block, parts in zip(section.blocks[1:], rest, strict=True)
    ]
    return [KeepTogether([*head, *first]), *(part for each in kept for part in each)]


def _block(block: Block, folder: Path) -> list[Flowable]:
    if isinstance(block, Paragraph):
        ink = INK if block.tone == "plain" else FAINT if block.tone == "missing" else "#8a4500"
        indent = 0 if block.tone == "plain" else 8
        return [Text(_inline(block.text), _style(block.tone, 9, 13, ink, after=5, indent=indent))]
    if isinstance(block, Tiles):
        return _tiles(block)
    if isinstance(block, Table):
        return [*_table(block), _caption(block.caption, block.source)]
    file = block.file if isinstance(block, Figure) else block.stills
    caption = block.caption
    if not isinstance(block, Figure):
        caption += f" The film is `{block.file}` beside this file."
    return [_image(folder / file), _caption(caption, block.source)]


def _tiles(block: Tiles) -> list[Flowable]:
    cells = [
        [
            Text(_inline(each.label), _style("label", 7, 9, FAINT)),
            Text(_inline(each.value), _style("value", 14, 20, bold=True)),
            Text(_inline(each.note), _style("note", 6.5, 8.5, FAINT)),
        ]
        for each in block.tiles
    ]
    grid = Grid([cells], colWidths=[WIDTH / len(cells)] * len(cells))
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), TINT),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEAFTER", (0, 0), (-2, -1), 3, HexColor("#ffffff")),
            ("TOPPADDING", (0, 0), (-1, -1), 6),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
        ]
    )
    return [Spacer(0, 4), grid, Spacer(0, 8)]


def _table(table: Table) -> list[Flowable]:
    looks = [
        [_style("th", 7.5, 10, FAINT, bold=True, right=side) for side in (False, True)],
        [_style("td", 7.5, 10, right=side) for side in (False, True)],
    ]
    rows = [
        [
            Text(_inline(cell), looks[line > 0][column >= table.words])
            for column, cell in enumerate(cells)
        ]
        for line, cells in enumerate((table.head, *table.rows))
    ]
    grid = Grid(rows, colWidths=_widths(table), repeatRows=1, hAlign="LEFT")
    rule: Color = HexColor(RULE)
    grid.setStyle(
        [
            ("LINEBELOW", (0, 0), (-1, 0), 0.7, HexColor(FAINT)),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, rule),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]
    )
    return [Spacer(0, 4), grid]


def _widths(table: Table) -> list[float]:
    """Return columns as wide as their words; too wide a table takes it from the wide ones."""
    found = []
    for column in range(len(table.head)):
        cells = [row[column] for row in (table.head, *table.rows)]
        found.append(max(stringWidth(cell, "Report-Bold", 7.5) for cell in cells) + 10)
    over = sum(found) - WIDTH
    if over > 0:
        shrunk = table.wide or tuple(range(len(found)))
        room = sum(found[column] for column in shrunk)
        for column in shrunk:
            found[column] -= over * found[column] / room
    return found


def _image(path: Path) -> Image:
    wide, high = ImageReader(str(path)).getSize()
    scale = min(WIDTH / wide, TALLEST / high)
    return Image(str(path), wide * scale, high * scale, hAlign="LEFT")


def _caption(caption: str, source: str) -> Text:
    text = f"{_inline(caption)} [{escape(source)}]"
    return Text(text, _style("caption", 7.5, 10.5, FAINT, before=3, after=9))


def _inline(text: str) -> str:
    return "".join(
        f'<font name="Report-Code" size="-1">{escape(part)}</font>' if code else escape(part)
        for part, code in spans(text)
    )


def _style(
    name: str,
    size: float,
    leading: float,
    ink: str = INK,
    *,
    bold: bool = False,
    right: bool = False,
    before: float = 0,
    after: float = 0,
    indent: float = 0,
) -> ParagraphStyle:
    given: dict[str, Any] = {"alignment": TA_RIGHT} if right else {}
    return ParagraphStyle(
        name,
        fontName="Report-Bold" if bold else "Report",
        fontSize=size,
        leading=leading,
        textColor=HexColor(ink),
        spaceBefore=before,
        spaceAfter=after,
        leftIndent=indent,
        splitLongWords=1,
        **given,
    )
