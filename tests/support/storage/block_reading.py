"""Reads all blocks of stores, as the body of a process that a test spawns."""

from __future__ import annotations

from collections.abc import Sequence

from contract.dataset.frame_blocks import BlockLayout, BlockReader


def read_all(layouts: Sequence[BlockLayout]) -> None:
    for layout in layouts:
        with BlockReader(layout) as reader:
            for number in range(len(layout.offsets)):
                reader.block(number)
