"""Writes a report as one HTML file with embedded images and videos, and without scripts."""

from __future__ import annotations

import base64
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

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

STYLESHEET: Final = "page.css"
MAX_VIDEO_BYTES: Final = 8 << 20
"""A larger video is not embedded in the page."""
EXCERPT_NOTE: Final = "It plays at three times the speed."
MAX_TOTAL_VIDEO_BYTES: Final = 24 << 20
"""Largest total size of the embedded videos, so that the page can be sent by mail."""


def render(report: Report, folder: Path) -> str:
    """Return the page; images and videos are read from the report's folder."""
    style = (
        resources.files("evaluator.report.renderers")
        .joinpath(STYLESHEET)
        .read_text(encoding="utf-8")
    )
    embedded = _embedded(report, folder)
    links = "".join(
        f'<li><a href="#{section.key}">{escape(section.title)}</a></li>'
        for section in report.sections
    )
    body = "\n".join(_section(section, folder, embedded) for section in report.sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:; media-src data:\">\n"
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(report.title)}</h1>\n<p>{_inline(report.subtitle)}</p>\n</header>\n"
        f"<nav><ol>{links}</ol></nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _embedded(report: Report, folder: Path) -> set[str]:
    """Return the names of the videos that fit into the page, in the order of the report."""
    names, total = set[str](), 0
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Video):
                size = (folder / block.excerpt).stat().st_size
                if size <= MAX_VIDEO_BYTES and total + size <= MAX_TOTAL_VIDEO_BYTES:
                    names.add(block.excerpt)
                    total += size
    return names


def _section(section: Section, folder: Path, embedded: set[str]) -> str:
    blocks = "\n".join(_block(block, folder, embedded) for block in section.blocks)
    return f'<section id="{section.key}">\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block, folder: Path, embedded: set[str]) -> str:
    if isinstance(block, Paragraph):
        return f'<p class="{block.tone}">{_inline(block.text)}</p>'
    if isinstance(block, Tiles):
        tiles = "".join(
            f"<div><dt>{escape(tile.label)}</dt><dd><strong>{escape(tile.value)}</strong>"
            f"<small>{escape(tile.note)}</small></dd></div>"
            for tile in block.tiles
        )
        return f'<dl class="tiles">{tiles}</dl>'
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        image = _image(folder / block.file, block.caption)
        return f"<figure>{image}{_caption(block.caption, block.source)}</figure>"
    stills = _image(folder / block.stills, block.caption)
    if block.excerpt in embedded:
        video = (
            '<video controls preload="metadata" '
            f'src="{_data_url(folder / block.excerpt, "video/mp4")}"></video>'
        )
        return (
            f'<figure>{video}<div class="stills">{stills}</div>'
            f"{_caption(f'{block.caption} {EXCERPT_NOTE}', block.source)}</figure>"
        )
    note = (
        f"{block.caption} The video is too large for this page; it is in `{block.file}` beside it."
    )
    return f"<figure>{stills}{_caption(note, block.source)}</figure>"


def _table(table: Table) -> str:
    def cells(values: tuple[str, ...], tag: str) -> str:
        return "".join(
            f"<{tag}{_cell_class(table, column)}>{_inline(value)}</{tag}>"
            for column, value in enumerate(values)
        )

    rows = "".join(f"<tr>{cells(row, 'td')}</tr>\n" for row in table.rows)
    return (
        f'<figure class="table"><table>\n<thead><tr>{cells(table.head, "th")}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table>{_caption(table.caption, table.source)}</figure>"
    )


def _cell_class(table: Table, column: int) -> str:
    if column >= table.words:
        return " class=figure"
    return " class=wide" if column in table.wide else ""


def _caption(caption: str, source: str) -> str:
    return f"<figcaption>{_inline(caption)} <cite>{escape(source)}</cite></figcaption>"


def _image(path: Path, caption: str) -> str:
    alt = escape("".join(part for part, _ in split_code(caption)), quote=True)
    return f'<img alt="{alt}" src="{_data_url(path, "image/png")}">'


def _data_url(path: Path, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _inline(text: str) -> str:
    return "".join(
        f"<code>{escape(part)}</code>" if code else escape(part) for part, code in split_code(text)
    )
