"""The commands that evaluate a model on recordings: `python -m evaluator.offline rerun|score`.

`lapwing rerun` and `lapwing score` start them.
"""

from __future__ import annotations

import os
import sys

import typer

from contract import printing
from contract.errors import LapwingError
from contract.files import file_access
from evaluator.offline.rerun_command import rerun
from evaluator.offline.score_command import score


def main() -> None:
    """Run one command; print a LapwingError as one line and exit with status 1."""
    app = typer.Typer(
        help="Evaluates a model on recordings: it drives along them, or predicts frame by frame.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.command()(rerun)
    app.command()(score)
    try:
        with file_access.explain_denied():
            app(prog_name=os.environ.get("LAPWING_COMMAND", "python -m evaluator.offline"))
    except LapwingError as error:
        printing.print_error("evaluator", error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
