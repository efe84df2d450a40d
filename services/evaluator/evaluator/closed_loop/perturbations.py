"""Parses the conditions under which a model is driven: light, delay and start offset."""

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
MAX_DELAY_S: Final = 1.0
MAX_OFFSET_M: Final = 3.0
DEFAULT_OFFSET_M: Final = 0.25
"""Largest offset of a start from the driving line, unless a condition gives another one."""
VALUE_PATTERN: Final = re.compile(r"(delay|offset)=([0-9]{1,4}(?:\.[0-9]{1,3})?)(ms|m)")


@dataclass(frozen=True)
class Condition:
    """One condition; its name is the text that was parsed, and also the name of a folder."""

    name: str = CLEAR
    light: str = CLEAR
    delay_s: float = 0.0
    """Time by which every command takes effect later."""
    offset_m: float | None = None
    """Offset of every start from the line, to either side; None means up to DEFAULT_OFFSET_M."""

    def apply(self, start: InitialState) -> InitialState:
        """Return a start under this condition, at the same place and in the same direction."""
        offset_m = start.offset_m
        if self.offset_m is not None:
            offset_m = math.copysign(self.offset_m, start.offset_m)
        return replace(start, light=self.light, offset_m=offset_m)


def parse(words: Sequence[str]) -> list[Condition]:
    """Return conditions that are written as fog, delay=100ms, offset=1m or fog+delay=100ms.

    Raises:
        SettingError: a condition is unknown, or two conditions mean the same.
    """
    conditions = [_parse(word.strip()) for word in words]
    distinct = {replace(condition, name="") for condition in conditions}
    if not conditions or len(distinct) < len(conditions):
        raise SettingError(
            "the conditions cannot be driven",
            got=",".join(words),
            remedy="Name each once, such as clear,fog,delay=100ms",
        )
    return conditions


def _parse(word: str) -> Condition:
    condition = Condition(name=word)
    kinds: set[str] = set()
    for part in word.split("+"):
        match = VALUE_PATTERN.fullmatch(part)
        kind = match[1] if match else "light"
        if kind in kinds:  # fog+dusk would be driven as one of the two, under both names
            raise _unknown_condition(word)
        kinds.add(kind)
        if part in LIGHTS:
            condition = replace(condition, light=part)
        elif match and (match[1], match[3]) == ("delay", "ms"):
            condition = replace(condition, delay_s=float(match[2]) / 1000)
        elif match and (match[1], match[3]) == ("offset", "m"):
            condition = replace(condition, offset_m=float(match[2]))
        else:
            raise _unknown_condition(word)
    if condition.delay_s > MAX_DELAY_S or (condition.offset_m or 0.0) > MAX_OFFSET_M:
        raise _unknown_condition(word)
    return condition


def _unknown_condition(word: str) -> SettingError:
    return SettingError(
        "there is no such condition",
        got=repr(word),
        remedy=f"The conditions are {', '.join(LIGHTS)}, delay=100ms (at most "
        f"{1000 * MAX_DELAY_S:g}) and offset=1m (at most {MAX_OFFSET_M:g}). Join one of each "
        "with +",
    )
