"""Runs the command line: `python -m lapwing`, or `lapwing`."""

from __future__ import annotations

import sys

from contract import printing, redis_client
from contract.errors import LapwingError
from contract.files import disk_space, file_access
from lapwing.app import app


def main() -> None:
    """Run one command. A LapwingError is printed as one line and ends it with status 1."""
    try:
        with (
            file_access.explain_denied(),
            disk_space.explain_full(),
            redis_client.explain_errors(),
        ):
            app(standalone_mode=True)
    except LapwingError as error:
        printing.print_error("lapwing", error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
