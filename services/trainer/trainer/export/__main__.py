"""Writes versions and datasets in other programs' formats: `lapwing export` runs it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from contract.errors import LapwingError, SettingError
from contract.files import file_access
from contract.models.registry import Registry
from contract.printable import printable

ONNX: Final = "onnx"
LEROBOT: Final = "lerobot"
DESCRIPTION: Final = """\
Write a model version as ONNX, or an imported recording as a LeRobot dataset.

An ONNX file is checked with ONNX Runtime: it must answer the version's golden
frames as the version does. A LeRobot dataset has one episode for each stretch
of uninterrupted driving. docs/formats.md says what each value becomes."""


class _Parser(argparse.ArgumentParser):
    """A parser whose help has the form of that of the other `lapwing` commands."""

    def format_help(self) -> str:
        text = super().format_help().replace("usage:", "Usage:", 1)
        text = text.replace("positional arguments:", "Arguments:", 1)
        return text.replace("options:", "Options:", 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Export what the arguments say; return the exit status, 1 if it failed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = _make_parser()
    options = parser.parse_args(arguments)
    try:
        with file_access.explain_denied():
            result = _export(options)
    except LapwingError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1
    text = json.dumps(result, indent=2) if options.json else printable(_describe(result), "\n")
    sys.stdout.write(text + "\n")
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=os.environ.get("LAPWING_COMMAND", "python -m trainer.export"),
        usage=f"%(prog)s --format {ONNX} VERSION, or %(prog)s --format {LEROBOT} DATASET",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="VERSION|DATASET", help="What to export.")
    parser.add_argument("--format", choices=(ONNX, LEROBOT), required=True, help="Format to write.")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="File or folder to write. By default, it is version-N.onnx or DATASET-lerobot in this "
        "folder. A folder must be new or empty.",
    )
    parser.add_argument("--json", action="store_true", help="Print one JSON document.")
    parser.add_argument("--help", "-h", action="help", help="Show this message and exit.")
    return parser


def _export(options: argparse.Namespace) -> dict[str, Any]:
    """Export in the format of the options; the libraries of the other format are not loaded."""
    if options.format == LEROBOT:
        from trainer.export.lerobot import dataset

        data = Path(os.environ.get("LAPWING_DATA_DIR") or "lapwing-data/data")
        return dataset.export(data, options.name, options.out or Path(f"{options.name}-lerobot"))
    models = Path(os.environ.get("LAPWING_MODEL_DIR") or "lapwing-data/models")
    if not options.name.isdecimal():
        raise SettingError(
            "ONNX is a format of model versions",
            got=options.name,
            remedy="Name the number of a version; `lapwing models` lists them",
        )
    from trainer.export import onnx_model

    version = int(options.name)
    out = options.out or Path(f"version-{version}.onnx")
    if out.suffix != ".onnx" or out.is_dir():
        raise SettingError(
            "--out has a value it cannot take",
            got=out,
            remedy="Name a file that ends in .onnx",
        )
    return onnx_model.export(Registry(models), version, out)


def _describe(result: dict[str, Any]) -> str:
    """Return the result of an export in a few lines for people."""
    if result["format"] == LEROBOT:
        lines = [
            f"{result['path']}: {result['dataset']}, {result['episodes']} episodes, "
            f"{result['rows']:,} rows, {result['fps']} frames a second",
            f"cameras: {', '.join(result['cameras'])}",
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in result["notes"])])
    return (
        f"{result['path']}: version {result['version']}, {result['bytes']:,} bytes\n"
        f"its answers to the {result['golden_frames']} golden frames differ by at most "
        f"{result['largest_difference']:.1e}"
    )


if __name__ == "__main__":
    sys.exit(main())
