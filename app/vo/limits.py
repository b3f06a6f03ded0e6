"""How many rows an answer may have, and whether there were more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.errors import QueryError

if TYPE_CHECKING:
    from app.storage.binary_copy import Tuples


USUAL_ROWS = 1_000_000
MOST_ROWS = 50_000_000


class Limited:
    """Blocks of rows up to a number of them.

    Args:
        blocks: of all rows.
        most: rows at most.
        cut: whether the blocks end there; else more rows are an error.

    Attributes:
        overflow: whether there was a row more; known when all blocks have been taken.
        taken: how many rows have been.
    """

    def __init__(self, blocks: Iterator[Tuples], most: int, *, cut: bool = True) -> None:
        self._blocks = blocks
        self._left = self._most = most
        self._cut = cut
        self.taken = 0
        self.overflow = False

    def __iter__(self) -> Iterator[Tuples]:
        """Yield the blocks.

        Raises:
            QueryError: there are more rows, and the answer may not be cut.
        """
        for block in self._blocks:
            count = block.positions.shape[1]
            if count > self._left:
                if not self._cut:
                    problem = f"there are more than {self._most:,} rows, and this form cannot say so: give MAXREC"
                    raise QueryError(f"{problem}, or ask for a VOTable")
                self.overflow = True
                kept = slice(self._left)
                block = replace(block, positions=block.positions[:, kept], lengths=block.lengths[:, kept])  # noqa: PLW2901
            self._left -= block.positions.shape[1]
            self.taken += block.positions.shape[1]
            yield block
