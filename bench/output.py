"""The figures of one run: shown as a table or as JSON, and kept in bench/results/ if asked.

A file in bench/results/ holds the figures of one benchmark and the machine that they were measured
on. bench/table.py makes a page of all of them.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

FOLDER: Final = Path(__file__).resolve().parent / "results"
PACKAGES: Final = (
    "lapwing-contract",
    "ai-edge-litert",
    "fastapi",
    "jax",
    "keras",
    "numba",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "openvino",
    "panda3d",
    "simplejpeg",
    "tensorflow-cpu",
    "torch",
    "uvicorn",
)
INSTRUCTIONS: Final = (
    *("sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni"),
    *("avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "asimddp", "bf16", "i8mm", "sve"),  # of ARM's processors
)
"""Instructions of the processor that decide how fast images and networks are computed."""

Cell = str | int | float | None
Row = Mapping[str, Cell]


@dataclass(frozen=True)
class Result:
    """The figures of one benchmark; every row has the same columns."""

    name: str
    title: str
    command: str
    """The command that measured them, without paths."""
    recording: str
    """The name of the recording that was used; "" where none was."""
    rows: Sequence[Row]
    environment: Mapping[str, Any] = field(default_factory=dict)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document, no table")
    parser.add_argument("--save", action="store_true", help="keep the figures in bench/results/")
    parser.set_defaults(load_average=os.getloadavg())  # before the benchmark adds to it
    return parser


def console(options: argparse.Namespace) -> Console:
    """Return the console for messages, which leaves standard output to a JSON document."""
    return Console(stderr=options.json, width=None if sys.stdout.isatty() else 120)


def finish(result: Result, options: argparse.Namespace) -> None:
    """Print the figures as the options say, and keep them if they say so."""
    rows = [{column: _rounded(cell) for column, cell in row.items()} for row in result.rows]
    result = dataclasses.replace(result, rows=rows, environment=environment(options.load_average))
    document = json.dumps(dataclasses.asdict(result), indent=1, ensure_ascii=False)
    if options.save:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{result.name}.json").write_text(document + "\n", encoding="utf-8")
    if options.json:
        print(document)
        return
    table = Table(*result.rows[0], title=f"{result.title} ({os.cpu_count()} cores)")
    for row in result.rows:
        table.add_row(*map(text, row.values()))
    console(options).print(table)


def text(value: Cell) -> str:
    """Return a figure with at least three digits that count; "" for None."""
    if value is None:
        return ""
    if isinstance(value, str | int):
        return f"{value:,}" if isinstance(value, int) else value
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4
    return f"{value:,.{digits}f}"


def _rounded(value: Cell) -> Cell:
    """Return a figure with five digits that count: a benchmark repeats to fewer."""
    return float(f"{value:.5g}") if isinstance(value, float) else value


def environment(load_average: Sequence[float]) -> dict[str, Any]:
    """Return what the figures depend on: the machine, its load before the run, and the versions."""
    processor = _processor()
    # An ARM processor has no flags, but features.
    flags = (processor.get("flags") or processor.get("Features") or "").split()
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": processor.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "memory_gib": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1
        ),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "load_average": [round(value, 2) for value in load_average],
    }


def _processor() -> dict[str, str]:
    """Return the entries of the first processor in /proc/cpuinfo; none where there is no such."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}
