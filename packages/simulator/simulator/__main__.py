"""Runs the simulator's commands: `python -m simulator --help`, or `lapwing sim --help`."""

from __future__ import annotations

from simulator.cli.app import app
from simulator.cli.output import run_app


def main() -> None:
    """Run one command."""
    run_app(app, "python -m simulator")


if __name__ == "__main__":
    main()
