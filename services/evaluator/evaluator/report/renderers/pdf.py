"""Writes a report as PDF, for print and for archives."""

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

from evaluator.report.document import (
    Block,
    Figure,
    Paragraph,
    Report,
    Section,
    Table,
    Tiles,
    Video,
    split_code,
)
from simulator.viz.chart_style import FAINT, INK, RULE

FONTS: Final = {
    "Report": "DejaVuSans.ttf",
    "Report-Bold": "DejaVuSans-Bold.ttf",
    "Report-Code": "DejaVuSansMono.ttf",
}
"""Matplotlib's fonts, which have every character of the report; the charts use them too."""
MARGIN: Final = 18 * mm
TEXT_WIDTH: Final = A4[0] - 2 * MARGIN
MAX_IMAGE_HEIGHT: Final = 105 * mm
"""Largest height of an image: two images with their captions fit on a page."""
TILE_COLOUR: Final = HexColor("#f4f6f8")


def render(report: Report, folder: Path, path: Path) -> None:
    """Write the document to `path`; images are read from the report's folder."""
    for name, file in FONTS.items():
        registerFont(TTFont(name, str(Path(mpl.get_data_path()) / "fonts" / "ttf" / file)))
    registerFontFamily("Report", normal="Report", bold="Report-Bold")
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
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
        canvas.drawString(MARGIN, 11 * mm, report.title)
        canvas.drawRightString(A4[0] - MARGIN, 11 * mm, str(page.page))

    document.build(story, onFirstPage=foot, onLaterPages=foot)


class _Bookmark(Flowable):
    """Takes no space; adds a section to the outline that PDF viewers show."""

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
    first, *rest = (_block(block, folder) for block in section.blocks)
    # A table can be longer than a page; an image stays with its caption.
    kept = [
        [KeepTogether(flowables)] if isinstance(block, Figure | Video) else flowables
        for block, flowables in zip(section.blocks[1:], rest, strict=True)
    ]
    return [
        KeepTogether([*head, *first]),
        *(flowable for flowables in kept for flowable in flowables),
    ]


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
        caption += f" The video is `{block.file}` beside this file."
    return [_image(folder / file), _caption(caption, block.source)]


def _tiles(block: Tiles) -> list[Flowable]:
    cells = [
        [
            Text(_inline(tile.label), _style("label", 7, 9, FAINT)),
            Text(_inline(tile.value), _style("value", 14, 20, bold=True)),
            Text(_inline(tile.note), _style("note", 6.5, 8.5, FAINT)),
        ]
        for tile in block.tiles
    ]
    grid = Grid([cells], colWidths=[TEXT_WIDTH / len(cells)] * len(cells))
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), TILE_COLOUR),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEAFTER", (0, 0), (-2, -1), 3, HexColor("#ffffff")),
            ("TOPPADDING", (0, 0), (-1, -1), 6),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
        ]
    )
    return [Spacer(0, 4), grid, Spacer(0, 8)]


def _table(table: Table) -> list[Flowable]:
    styles = [
        [_style("th", 7.5, 10, FAINT, bold=True, right=side) for side in (False, True)],
        [_style("td", 7.5, 10, right=side) for side in (False, True)],
    ]
    rows = [
        [
            Text(_inline(cell), styles[line > 0][column >= table.words])
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
    """Return the widths of the columns; if the table is too wide, the wide columns shrink."""
    widths = []
    for column in range(len(table.head)):
        cells = [row[column] for row in (table.head, *table.rows)]
        widths.append(max(stringWidth(cell, "Report-Bold", 7.5) for cell in cells) + 10)
    excess = sum(widths) - TEXT_WIDTH
    if excess > 0:
        shrinking = table.wide or tuple(range(len(widths)))
        total = sum(widths[column] for column in shrinking)
        for column in shrinking:
            widths[column] -= excess * widths[column] / total
    return widths


def _image(path: Path) -> Image:
    width, height = ImageReader(str(path)).getSize()
    scale = min(TEXT_WIDTH / width, MAX_IMAGE_HEIGHT / height)
    return Image(str(path), width * scale, height * scale, hAlign="LEFT")


def _caption(caption: str, source: str) -> Text:
    text = f"{_inline(caption)} [{escape(source)}]"
    return Text(text, _style("caption", 7.5, 10.5, FAINT, before=3, after=9))


def _inline(text: str) -> str:
    return "".join(
        f'<font name="Report-Code" size="-1">{escape(part)}</font>' if code else escape(part)
        for part, code in split_code(text)
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
    options: dict[str, Any] = {"alignment": TA_RIGHT} if right else {}
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
        **options,
    )
