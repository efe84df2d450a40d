"""Under what a model is driven: lights, delays, places beside the line; as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from contract.errors import SettingError
from simulator.episode.initial_state import InitialState
from simulator.rendering.appearance import LIGHTS

CLEAR: Final = "clear"
MOST_DELAY_S: Final = 1.0
MOST_OFFSET_M: Final = 3.0
USUAL_OFFSET_M: Final = 0.25
"""At most, of a start from the line that people drive, where a condition says nothing else."""
VALUE: Final = re.compile(r"(delay|offset)=([0-9]{1,4}(?:\.[0-9]{1,3})?)(ms|m)")


@dataclass(frozen=True)
class Condition:
    """One of them; `name` is as it is written, and names a folder."""

    name: str = CLEAR
    light: str = CLEAR
    delay_s: float = 0.0
    """For which every answer is held back."""
    offset_m: float | None = None
    """Of every start from the line, to either side; None: up to USUAL_OFFSET_M."""

    def start(self, usual: InitialState) -> InitialState:
        """Return a start as it is under this condition: the same place, the same direction."""
        offset_m = usual.offset_m
        if self.offset_m is not None:
            offset_m = math.copysign(self.offset_m, usual.offset_m)
        return replace(usual, light=self.light, offset_m=offset_m)


def parse(words: Sequence[str]) -> list[Condition]:
    """Return the conditions that are written as fog, delay=100ms, offset=1m or fog+delay=100ms.

    Raises:
        SettingError: one is none of them, or is there twice, however it is written.
    """
    found = [_parse(word.strip()) for word in words]
    if not found or len({replace(each, name="") for each in found}) < len(found):
        raise SettingError(
            "the conditions cannot be driven",
            got=",".join(words),
            remedy="Name each once, such as clear,fog,delay=100ms",
        )
    return found


def _parse(word: str) -> Condition:
    condition = Condition(name=word)
    kinds: set[str] = set()
    for part in word.split("+"):
        match = VALUE.fullmatch(part)
        kind = match[1] if match else "light"
        if kind in kinds:  # fog+dusk would be driven as one of them, under both names
            raise _unknown(word)
        kinds.add(kind)
        if part in LIGHTS:
            condition = replace(condition, light=part)
        elif match and (match[1], match[3]) == ("delay", "ms"):
            condition = replace(condition, delay_s=float(match[2]) / 1000)
        elif match and (match[1], match[3]) == ("offset", "m"):
            condition = replace(condition, offset_m=float(match[2]))
        else:
            raise _unknown(word)
    if condition.delay_s > MOST_DELAY_S or (condition.offset_m or 0.0) > MOST_OFFSET_M:
        raise _unknown(word)
    return condition


def _unknown(word: str) -> SettingError:
    return SettingError(
        "no such condition",
        got=repr(word),
        remedy=f"There are {', '.join(LIGHTS)}, delay=100ms (at most {1000 * MOST_DELAY_S:g}) and "
        f"offset=1m (at most {MOST_OFFSET_M:g}); joined by + where one of each acts together",
    )
