"""How many rows an answer may have, and whether there were more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.storage.binary_copy import Tuples


USUAL_ROWS = 1_000_000
MOST_ROWS = 50_000_000


class Limited:
    """Blocks of rows up to a number of them.

    Attributes:
        overflow: whether there was a row more; known when all blocks have been taken.
        taken: how many rows have been.
    """

    def __init__(self, blocks: Iterator[Tuples], most: int) -> None:
        self._blocks = blocks
        self._left = most
        self.taken = 0
        self.overflow = False

    def __iter__(self) -> Iterator[Tuples]:
        for block in self._blocks:
            count = block.positions.shape[1]
            if count > self._left:
                self.overflow = True
                kept = slice(self._left)
                block = replace(block, positions=block.positions[:, kept], lengths=block.lengths[:, kept])  # noqa: PLW2901
            self._left -= block.positions.shape[1]
            self.taken += block.positions.shape[1]
            yield block
