"""Tells names of files from paths: names that come from a queue must not lead elsewhere."""

from __future__ import annotations

__all__ = ["is_plain"]

MAX_BYTES = 200
"""Linux allows 255; the rest is for endings such as .exclusions.json."""


def is_plain(name: object) -> bool:
    """Return whether a value is the name of one file: no path, not hidden, and not too long."""
    return (
        isinstance(name, str)
        and bool(name)
        and not name.startswith(".")
        and "/" not in name
        and name.isprintable()
        and len(name.encode(errors="replace")) <= MAX_BYTES
    )
