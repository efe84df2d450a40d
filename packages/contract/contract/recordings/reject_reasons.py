"""Says in a few lines why rows of a recording were rejected, from the report of its import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["describe"]

MAX_REASONS: Final = 3
"""Number of reasons that are described, the commonest ones."""


def describe(report: Mapping[str, Any]) -> list[str]:
    """Return the commonest reasons of a report, each with its number of rows and an example.

    Args:
        report: the report of an import, as ingest/import_report.py builds it.
    """
    reasons: dict[str, int] = report["reasons"]
    examples: dict[str, Mapping[str, Any]] = {}
    for rejection in report["rejections"]:
        examples.setdefault(f"{rejection['field']}: {rejection['reason']}", rejection)
    lines = []
    for reason, count in list(reasons.items())[:MAX_REASONS]:
        example = examples.get(reason)  # reports of 0.1.0 list the first hundred rows alone
        got = f" ({example['got']})" if example and example["got"] else ""
        where = f", such as line {example['line']}{got}" if example else ""
        lines.append(f"{reason}, {count} {'row' if count == 1 else 'rows'}{where}")
    if len(reasons) > MAX_REASONS:
        others = sum(list(reasons.values())[MAX_REASONS:])
        lines.append(f"other reasons, {others} {'row' if others == 1 else 'rows'}")
    return lines
