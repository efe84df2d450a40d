"""Reads the values of options that are more than one number."""

from __future__ import annotations

import re

from contract.errors import SettingError


def rows(text: str) -> list[int]:
    """Return the two numbers of "60,25": rows at the top and at the bottom.

    Raises:
        SettingError: it is anything else.
    """
    return _two("--crop", text, ",", "60,25: rows at the top and at the bottom")


def size(text: str) -> list[int]:
    """Return the two numbers of "200x66": width and height.

    Raises:
        SettingError: it is anything else.
    """
    return _two("--size", text.lower(), "x", "200x66: width and height")


def correction(text: str) -> float | str:
    """Return "auto", or the number of "0.2".

    Raises:
        SettingError: it is anything else.
    """
    if text == "auto":
        return text
    if re.fullmatch(r"\d(\.\d+)?", text, re.ASCII) and float(text) <= 1:
        return float(text)
    raise SettingError(
        "--correction has a value it cannot take",
        got=repr(text),
        remedy="It takes auto, or a number from 0 to 1, such as 0.2",
    )


def _two(option: str, text: str, mark: str, example: str) -> list[int]:
    found = re.fullmatch(rf"\s*(\d{{1,4}})\s*{mark}\s*(\d{{1,4}})\s*", text, re.ASCII)
    if found is None:
        raise SettingError(
            f"{option} has a value it cannot take", got=repr(text), remedy=f"Write it as {example}"
        )
    return [int(each) for each in found.groups()]
