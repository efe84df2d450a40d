"""Writes the pages of the API reference from the docstrings of packages/* and services/*.

Griffe reads the source files and imports none of them, so TensorFlow is not started. There is one
page for each package and sub-package, with its modules, and one page that lists the packages. A
docstring that Griffe cannot make sense of, such as one that describes a parameter which the
function does not have, is a warning, which `make docs` turns into an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import griffe
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = ROOT / "docs" / "reference"
CODE: Final = re.compile(r"(`+[^`]+`+)")
INTRODUCTION: Final = """\
# API reference

These pages are made from the docstrings of the source files. [The walk](../walk.md) tells which
module does what, in the order in which a frame meets them.
"""


def packages() -> Iterator[tuple[str, Path]]:
    """Yield the name of each of our packages, and the folder in which it lies."""
    for root in ("packages", "services"):
        for init in sorted(ROOT.glob(f"{root}/*/*/__init__.py")):
            yield init.parent.name, init.parent.parent


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx, which calls this."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}


def write_pages(_: Sphinx) -> None:
    """Write all pages into docs/reference, and remove those of modules that are gone."""
    griffe.patch_loggers(logging.getLogger)
    pages: dict[str, str] = {}
    names = []
    for name, folder in packages():
        module = griffe.load(
            name, search_paths=[folder], allow_inspection=False, docstring_parser="google"
        )
        names.append(name)
        pages |= dict(_package_pages(module))
    pages["index"] = INTRODUCTION + _toctree(names)
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = PAGES / f"{name}.md"
        # A page that has not changed keeps its time, so that Sphinx does not read it again.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _package_pages(package: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - Griffe's unions
    """Yield the name and the text of the page of a package, and of each of its sub-packages."""
    rooms = [each for each in _modules(package) if each.is_package or each.is_subpackage]
    lines = [f"# {package.path}", "", *_description(package)]
    for module in _modules(package):
        if module not in rooms:
            lines += [f"## {module.path}", "", *_description(module)]
            lines += _members(module, 3)
    yield package.path, "\n".join(lines) + _toctree([room.path for room in rooms])
    for room in rooms:
        yield from _package_pages(room)


def _modules(package: Any) -> list[Any]:  # noqa: ANN401
    """Return the modules and sub-packages of a package, by name."""
    return [each for _, each in sorted(package.modules.items()) if not each.is_alias]


def _members(owner: Any, level: int) -> Iterator[str]:  # noqa: ANN401
    """Yield the lines of what a module or class offers, in the order of the source.

    Their names are rubrics, headings that stand in no table of contents: with the two thousand of
    them in it, Sphinx needs three times as long.
    """
    members = [
        each
        for each in owner.members.values()
        if not (each.is_alias or each.is_module or each.name.startswith("_"))
    ]
    members.sort(key=lambda each: each.lineno or 0)
    # A constant or a field without a docstring needs no explanation, or its class explains it.
    attributes = [each for each in members if each.is_attribute and each.has_docstring]
    if attributes:
        title = "Attributes" if owner.is_class else "Constants"
        yield from [f"**{title}**", "", *[_attribute(each) for each in attributes], ""]
    for member in members:
        if member.is_attribute:
            continue
        # Anchors know no capitals, and a module may have a class Score and a function score.
        anchor = re.sub("[._]+", "-", f"{member.path}-{member.kind.value}").lower()
        yield from [f"```{{rubric}} {member.name}", f":heading-level: {level}", f":name: {anchor}"]
        yield from ["```", "", "```python", *_signature(member), "```", ""]
        yield from _description(member)
        if member.is_class:
            yield from _members(member, level + 1)


def _attribute(attribute: Any) -> str:  # noqa: ANN401
    """Return an attribute, its type and what it is as an item of a list."""
    annotation = "" if attribute.annotation is None else f" (`{attribute.annotation}`)"
    text = "\n".join(_description(attribute)).strip().replace("\n", "\n  ")
    return f"- **`{attribute.name}`**{annotation}: {text}"


def _signature(member: Any) -> list[str]:  # noqa: ANN401
    """Return the lines of code that declare a class or a function."""
    if member.is_class:
        bases = ", ".join(str(base) for base in member.bases)
        return [f"class {member.name}({bases})" if bases else f"class {member.name}"]
    return f"def {member.signature(name=member.name)}".splitlines()


def _description(member: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield a docstring as Markdown: its text, and its sections as lists."""
    if not member.has_docstring:
        return
    for section in member.docstring.parsed:
        if section.kind is griffe.DocstringSectionKind.text:
            yield from [_escape(section.value), ""]
        elif section.kind is griffe.DocstringSectionKind.admonition:
            yield from [f"**{section.title}** " + _escape(section.value.description), ""]
        elif isinstance(section.value, Iterable):
            yield from [f"**{section.kind.value.title()}**", ""]
            for item in section.value:
                name = getattr(item, "name", "") or str(getattr(item, "annotation", "") or "")
                text = _escape(item.description).replace("\n", "\n  ")
                yield f"- `{name}`: {text}" if name else f"- {text}"
            yield ""


def _escape(text: str) -> str:
    """Return a docstring's text with what Markdown would take for markup made plain.

    Code between backticks and lines that are indented as code stay as they are.
    """
    lines = []
    for line in text.splitlines():
        if line.startswith("    "):
            lines.append(line)
            continue
        parts = CODE.split(line)
        parts[::2] = [re.sub(r"(?<!^)([*_])|([<\[{$|])", r"\\\1\2", part) for part in parts[::2]]
        lines.append("".join(parts))
    return "\n".join(lines)


def _toctree(names: list[str]) -> str:
    if not names:
        return ""
    return "\n".join(["\n```{toctree}", ":titlesonly:", *names, "```", ""])
