"""How much leaves in streams: bytes as they go, rows when all of them have gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import Counter

BYTES = Counter("sos_streamed_bytes", "Bytes of files and answers to queries, before they are compressed", ("format",))
ROWS = Counter("sos_streamed_rows", "Rows of files and answers to queries that were made to their end", ("format",))


def counted(blocks: Iterator[bytes], form: str, rows: Callable[[], int]) -> Iterator[bytes]:
    """Yield the blocks of a stream.

    Args:
        blocks: of what is sent.
        form: in which format.
        rows: how many rows there were, asked when the last block has gone.
    """
    of_format = BYTES.labels(form)
    for block in blocks:
        of_format.inc(len(block))
        yield block
    ROWS.labels(form).inc(rows())
