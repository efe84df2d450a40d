"""Writes bench/results/README.md, the page of all kept figures: `python -m bench.table`."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from bench.output import FOLDER, text

PAGE: Final = FOLDER / "README.md"
HEAD: Final = """# Figures

<!-- Written by python -m bench.table from the JSON files beside it. Do not edit. -->

Each table is of one run, on the machine that is named below it. Another machine has other figures:
measure there before you compare. `make bench SAVE=1` measures and keeps the figures in this folder;
so do the other verbs of the Makefile that begin with `bench-`.
"""
IDLE_LOAD: Final = 0.5
BUSY: Final = (
    "**The machine was busy with other work during this run, so these figures are worse than those "
    "of an idle machine, and no basis for a comparison.**"
)


def page() -> str:
    """Return the text of the page."""
    documents = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    return (
        "\n".join([HEAD, *(line for each in documents for line in section(each))]).rstrip() + "\n"
    )


def section(document: dict[str, Any]) -> list[str]:
    """Return the lines about one benchmark."""
    machine, rows = document["environment"], document["rows"]
    load = ", ".join(f"{value:.2f}" for value in machine["load_average"])
    versions = ", ".join(f"{name} {value}" for name, value in machine["versions"].items())
    recording = f" on the recording `{document['recording']}`" if document["recording"] else ""
    busy = machine["load_average"][0] > IDLE_LOAD
    return [
        f"## {document['title']}",
        "",
        f"`{document['command']}`{recording}, {machine['date']}.",
        *([BUSY] if busy else []),
        "",
        *_line(list(rows[0])),
        "|" + "---|" * len(rows[0]),
        *(line for row in rows for line in _line([text(value) for value in row.values()])),
        "",
        f"{machine['processor']}, {machine['cores']} cores ({', '.join(machine['instructions'])}), "
        f"{machine['memory_gib']} GiB, {machine['system']}; load average before the run {load}. "
        f"Python {machine['python']}, {versions}.",
        "",
    ]


def _line(cells: list[str]) -> list[str]:
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"]


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
