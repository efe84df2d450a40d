"""The simulator: `python -m simulator --help`, or `lapwing sim --help`."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from contract.errors import LapwingError
from simulator.cli.app import app


def main() -> None:
    """Run one command; a LapwingError becomes one line and exit status 1."""
    name = os.environ.get("LAPWING_COMMAND", "python -m simulator")
    try:
        app(prog_name=name)
    except LapwingError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]simulator:[/] {error}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
