"""Names the rows of a frame that somebody looks at, which lie together in memory and in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError
from contract.frames import spec

__all__ = ["ALL_ROWS", "RowRange"]

ROW_BYTES: Final = spec.WIDTH * spec.CHANNELS


@dataclass(frozen=True)
class RowRange:
    """A range of rows of Lapwing's own frame, counted from its top."""

    first: int
    end: int
    """The row after the last."""

    def __post_init__(self) -> None:
        """Check the rows.

        Raises:
            ModelError: the range is empty, or leaves the frame.
        """
        if not 0 <= self.first < self.end <= spec.HEIGHT:
            raise ModelError(
                f"these are no rows of a frame, which has {spec.HEIGHT}",
                got=f"rows {self.first} to {self.end - 1}",
                remedy="Crop less of the frame",
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of these rows."""
        return self.end - self.first, spec.WIDTH, spec.CHANNELS

    @property
    def start_byte(self) -> int:
        """Place of these rows among the bytes of a frame."""
        return self.first * ROW_BYTES

    @property
    def byte_count(self) -> int:
        """Number of bytes of these rows."""
        return (self.end - self.first) * ROW_BYTES

    @property
    def slice(self) -> slice:
        """The rows, as NumPy takes them from an array."""
        return slice(self.first, self.end)


ALL_ROWS: Final = RowRange(0, spec.HEIGHT)
"""The whole frame."""
