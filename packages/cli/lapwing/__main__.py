"""The command line: `lapwing --help`."""

from __future__ import annotations

import sys

from rich.console import Console

from contract.errors import LapwingError
from lapwing.app import app


def main() -> None:
    """Run one command; a LapwingError becomes one line and exit status 1."""
    try:
        app(standalone_mode=True)
    except LapwingError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]lapwing:[/] {error}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
