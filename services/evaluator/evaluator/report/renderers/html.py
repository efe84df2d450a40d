"""The report as one HTML file: no scripts, nothing from elsewhere, pictures and films within it."""

from __future__ import annotations

import base64
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

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

STYLESHEET: Final = "page.css"
FILM_BYTES: Final = 8 << 20
"""A larger film is left out of the page."""
QUICK: Final = "Here at three times the speed."
ALL_FILMS_BYTES: Final = 24 << 20
"""Films beyond so many bytes in all are left out: the page is still to be mailed."""


def render(report: Report, folder: Path) -> str:
    """Return the page; pictures are read from the report's folder."""
    style = (
        resources.files("evaluator.report.renderers")
        .joinpath(STYLESHEET)
        .read_text(encoding="utf-8")
    )
    embedded = _embedded(report, folder)
    links = "".join(
        f'<li><a href="#{each.key}">{escape(each.title)}</a></li>' for each in report.sections
    )
    body = "\n".join(_section(each, folder, embedded) for each in report.sections)
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
    """Return the films that fit into the page, in the order of the report."""
    found, total = set[str](), 0
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Film):
                size = (folder / block.quick).stat().st_size
                if size <= FILM_BYTES and total + size <= ALL_FILMS_BYTES:
                    found.add(block.quick)
                    total += size
    return found


def _section(section: Section, folder: Path, embedded: set[str]) -> str:
    blocks = "\n".join(_block(each, folder, embedded) for each in section.blocks)
    return f'<section id="{section.key}">\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block, folder: Path, embedded: set[str]) -> str:
    if isinstance(block, Paragraph):
        return f'<p class="{block.tone}">{_inline(block.text)}</p>'
    if isinstance(block, Tiles):
        tiles = "".join(
            f"<div><dt>{escape(each.label)}</dt><dd><strong>{escape(each.value)}</strong>"
            f"<small>{escape(each.note)}</small></dd></div>"
            for each in block.tiles
        )
        return f'<dl class="tiles">{tiles}</dl>'
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        picture = _picture(folder / block.file, block.caption)
        return f"<figure>{picture}{_caption(block.caption, block.source)}</figure>"
    stills = _picture(folder / block.stills, block.caption)
    if block.quick in embedded:
        film = (
            '<video controls preload="metadata" '
            f'src="{_data(folder / block.quick, "video/mp4")}"></video>'
        )
        return (
            f'<figure>{film}<div class="stills">{stills}</div>'
            f"{_caption(f'{block.caption} {QUICK}', block.source)}</figure>"
        )
    note = f"{block.caption} The film is too large for this page: it is `{block.file}` beside it."
    return f"<figure>{stills}{_caption(note, block.source)}</figure>"


def _table(table: Table) -> str:
    def cells(values: tuple[str, ...], tag: str) -> str:
        return "".join(
            f"<{tag}{_kind(table, column)}>{_inline(value)}</{tag}>"
            for column, value in enumerate(values)
        )

    rows = "".join(f"<tr>{cells(each, 'td')}</tr>\n" for each in table.rows)
    return (
        f'<figure class="table"><table>\n<thead><tr>{cells(table.head, "th")}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table>{_caption(table.caption, table.source)}</figure>"
    )


def _kind(table: Table, column: int) -> str:
    if column >= table.words:
        return " class=figure"
    return " class=wide" if column in table.wide else ""


def _caption(caption: str, source: str) -> str:
    return f"<figcaption>{_inline(caption)} <cite>{escape(source)}</cite></figcaption>"


def _picture(path: Path, caption: str) -> str:
    alt = escape("".join(part for part, _ in spans(caption)), quote=True)
    return f'<img alt="{alt}" src="{_data(path, "image/png")}">'


def _data(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _inline(text: str) -> str:
    return "".join(
        f"<code>{escape(part)}</code>" if code else escape(part) for part, code in spans(text)
    )
