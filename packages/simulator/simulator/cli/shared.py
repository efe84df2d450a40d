"""Options that commands in several modules have."""

from __future__ import annotations

from typing import Annotated

import typer

TrackName = Annotated[
    str,
    typer.Option(
        "--track",
        help="Track: lake, jungle, random: and a seed such as random:7, or a CSV file of "
        "centre-line points.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")]
