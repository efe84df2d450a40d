"""What is written on the command line, as values."""

from __future__ import annotations

import re

from contract.errors import SettingError


def span(text: str) -> tuple[float, float]:
    """Return the ends of a range such as 12-18; a single number is both of them.

    Raises:
        SettingError: it is none, or no speed that the car reaches.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?", text.strip())
    if match:
        low, high = float(match[1]), float(match[2] or match[1])
        if 1 <= low <= high <= 30:
            return low, high
    raise SettingError(
        "this is no speed", got=text, remedy="Write mph from 1 to 30, such as 15 or 12-18"
    )
