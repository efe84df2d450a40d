"""Compares JSON documents, value by value."""

from collections.abc import Collection
from typing import Any, Final

import pytest

TOLERANCE: Final = 1e-5
"""Another processor adds up a network's sums in another order."""


def differences(
    found: Any,
    expected: Any,
    free: Collection[str] = (),
    tolerance: float = TOLERANCE,
    where: str = "document",
) -> list[str]:
    """List where two documents differ; of values whose key is in `free`, only types must agree."""
    if isinstance(found, dict) and isinstance(expected, dict):
        if set(found) != set(expected):
            return [f"{where}: the keys {sorted(found)}, not {sorted(expected)}"]
        parts = [(key, found[key], expected[key]) for key in expected]
    elif isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            return [f"{where}: {len(found)} items, not {len(expected)}"]
        parts = list(zip(range(len(found)), found, expected, strict=True))
    else:
        same = found == expected and type(found) is type(expected)
        if is_number(found) and is_number(expected):
            same = found == pytest.approx(expected, rel=tolerance, abs=tolerance)
        if where.rsplit(".", 1)[-1] in free:
            same = type(found) is type(expected)
        return [] if same else [f"{where}: {found!r}, not {expected!r}"]
    lines = (
        differences(one, other, free, tolerance, f"{where}.{key}") for key, one, other in parts
    )
    return [line for part in lines for line in part]


def without(found: Any, names: Collection[str]) -> Any:
    """Return a document without the fields of these names, wherever they are."""
    if isinstance(found, dict):
        return {key: without(part, names) for key, part in found.items() if key not in names}
    return [without(part, names) for part in found] if isinstance(found, list) else found


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
