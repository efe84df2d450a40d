"""The options that several commands share, and the values that are more than one number."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from contract import printing
from contract.errors import SettingError
from contract.train_config import TrainConfig

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Wait = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Wait for the end of the job and show its result. By default, a command waits "
        "only when it prints to a terminal.",
    ),
]
Version = Annotated[
    int,
    typer.Argument(min=1, help="Version number of the model. `lapwing models` lists them."),
]


def training_option(name: str, description: str) -> Any:  # noqa: ANN401 - as typer.Option has it
    """Return an option for a number of TrainConfig, with the range that it has there."""
    [metadata] = [field.metadata for field in dataclasses.fields(TrainConfig) if field.name == name]
    return typer.Option(
        min=metadata["minimum"], max=metadata["maximum"], metavar="X", help=description
    )


def warn(text: str) -> None:
    """Print a warning on stderr."""
    printing.print_line(printing.message_console(as_json=True), ("lapwing:", "yellow"), f" {text}")


def warn_of_former_name(former: str, name: str) -> None:
    """Print on stderr that an option, which was given by its former name, has another name."""
    warn(f"{former} is now called {name}. The next release will not understand the old name.")


def parse_crop(text: str) -> list[int]:
    """Return the two numbers of "60,25": rows to cut off at the top and at the bottom.

    Raises:
        SettingError: the text has another form.
    """
    return _parse_pair("--crop", text, ",", "60,25: rows at the top and at the bottom")


def parse_size(text: str) -> list[int]:
    """Return the two numbers of "200x66": width and height in pixels.

    Raises:
        SettingError: the text has another form.
    """
    return _parse_pair("--size", text.lower(), "x", "200x66: width and height")


def parse_word_or_number(
    option: str, text: str, words: Sequence[str], low: float, high: float
) -> float | str:
    """Return one of some words, or the number of a text such as "0.2".

    Args:
        option: name of the option, for the message.
        text: value of the option.
        words: the words that it may be.
        low: smallest number.
        high: largest number.

    Raises:
        SettingError: the text is neither.
    """
    if text in words:
        return text
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) and low <= float(text) <= high:
        return float(text)
    raise SettingError(
        f"{option} has a value it cannot take",
        got=repr(text),
        remedy=f"It takes {', '.join(words)}, or a number from {low:g} to {high:g}, such as 0.2",
    )


def parse_conditions(text: str) -> list[str]:
    """Return the names in a list such as "fog, dusk", in their order and without empty ones."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _parse_pair(option: str, text: str, separator: str, example: str) -> list[int]:
    match = re.fullmatch(rf"\s*(\d{{1,4}})\s*{separator}\s*(\d{{1,4}})\s*", text, re.ASCII)
    if match is None:
        raise SettingError(
            f"{option} has a value it cannot take", got=repr(text), remedy=f"Write it as {example}"
        )
    return [int(number) for number in match.groups()]
