"""Write the simulated sky: a file for each survey in its official format, and the truth beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.domain.errors import ParameterError
from app.pipeline.mock_files import TableWriter, open_writer
from app.pipeline.progress import Progress, silent
from app.science.mock import clusters, sky, truth
from app.science.mock.observations import observe_sky, plan
from app.science.mock.selection import Links
from app.science.mock.sky import Stars
from app.science.mock.tables import apogee, galah, gspspec, lamost, rave, small
from app.science.mock.tables.columns import Values

TABLES = (
    apogee.ALL_STAR,
    galah.MAIN,
    lamost.LRS,
    lamost.MRS,
    gspspec.PARAMETERS,
    rave.MADERA,
    small.SMALL_A,
    small.SMALL_B,
)
TRUTH = "truth.parquet"
SUMMARY = "mock.json"
EDITION = 1
"""Counts changes of what a seed gives, so that files of an older code are not taken for those of this one."""

_MEMBER_BLOCK = 1 << 29


@dataclass(frozen=True)
class MockFile:
    """A file of the simulated sky; the truth belongs to no survey."""

    name: str
    survey: str | None
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class MockSummary:
    """What was asked for and what was written."""

    edition: int
    stars: int
    seed: int
    bias: bool
    files: tuple[MockFile, ...]


def write_sky(
    out: Path, *, stars: int, seed: int, bias: bool = True, progress: Progress = silent, chunk_blocks: int = 8
) -> MockSummary:
    """Write a simulated sky into a folder; memory stays flat however many stars.

    The same stars, seed and bias give the same values whatever the chunk, and with the same chunk the same bytes. The
    summary is written last: where it stands, the files are whole.

    Args:
        out: folder, made where it is missing.
        stars: from 1 to 100 million.
        seed: not negative.
        bias: False writes the null sky, on which no survey is biased.
        progress: called with stars done and in all.
        chunk_blocks: blocks of `sky.BLOCK` stars that are held at a time.

    Raises:
        ParameterError: stars, seed or chunk_blocks out of range.
    """
    _check(stars, seed, chunk_blocks)
    out.mkdir(parents=True, exist_ok=True)
    (out / SUMMARY).unlink(missing_ok=True)
    rows = dict.fromkeys([*(table.file_name for table in TABLES), TRUTH], 0)
    with ExitStack() as stack:
        writers = dict(_writers(out))
        for writer in writers.values():
            stack.callback(writer.close)
        for chunk, done in _chunks(seed, stars, bias=bias, chunk_blocks=chunk_blocks):
            for name, values in chunk.items():
                rows[name] += len(next(iter(values.values())))
                writers[name].write(values)
            progress(done, stars)
    surveys = {table.file_name: table.survey for table in TABLES}
    files = tuple(_described(out / name, surveys.get(name), count) for name, count in rows.items())
    return _save(out, MockSummary(EDITION, stars, seed, bias, files))


def ensure_sky(out: Path, *, stars: int, seed: int, bias: bool = True, progress: Progress = silent) -> MockSummary:
    """Return the sky that stands in a folder, where it is whole and the one asked for; else write it."""
    found = read_summary(out)
    if found is not None and _is_of(found, stars, seed, bias=bias):
        return found
    return write_sky(out, stars=stars, seed=seed, bias=bias, progress=progress)


def is_complete(out: Path, *, stars: int, seed: int, bias: bool = True) -> bool:
    """Return whether the sky that is asked for stands in a folder, all files of it whole."""
    found = read_summary(out)
    return found is not None and _is_of(found, stars, seed, bias=bias)


def _is_of(summary: MockSummary, stars: int, seed: int, *, bias: bool) -> bool:
    return (summary.edition, summary.stars, summary.seed, summary.bias) == (EDITION, stars, seed, bias)


def read_summary(out: Path) -> MockSummary | None:
    """Return the summary of the sky in a folder, None where there is none or a file is missing or cut off."""
    try:
        record = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
        files = tuple(MockFile(**one) for one in record["files"])
        whole = all((out / one.name).stat().st_size == one.bytes for one in files)
        summary = MockSummary(record["edition"], record["stars"], record["seed"], record["bias"], files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return summary if whole else None


def _check(stars: int, seed: int, chunk_blocks: int) -> None:
    if not 1 <= stars <= sky.MOST_STARS:
        raise ParameterError("stars", f"must be from 1 to {sky.MOST_STARS}, got {stars}")
    if seed < 0:
        raise ParameterError("seed", f"must not be negative, got {seed}")
    if chunk_blocks < 1:
        raise ParameterError("chunk_blocks", f"must be at least 1, got {chunk_blocks}")


def _writers(out: Path) -> Iterator[tuple[str, TableWriter]]:
    for table in TABLES:
        yield table.file_name, open_writer(out / table.file_name, table.file_format, table.columns)
    yield TRUTH, open_writer(out / TRUTH, "parquet", truth.COLUMNS)


def _chunks(seed: int, stars: int, *, bias: bool, chunk_blocks: int) -> Iterator[tuple[dict[str, Values], int]]:
    """Yield the rows of all files for a few blocks at a time, and how many stars are done."""
    rates = plan(seed, stars)
    held: list[dict[str, Values]] = []
    done = 0
    for key, block, count in _blocks(seed, stars):
        held.append(block_rows(block, count, rates, seed, key, bias=bias))
        done += count
        if len(held) == chunk_blocks or done == stars:
            yield {name: _joined([rows[name] for rows in held]) for name in held[0]}, done
            held = []


def _blocks(seed: int, stars: int) -> Iterator[tuple[int, Stars, int]]:
    """Yield each block's key, its stars, and how many of these the sky has."""
    members = clusters.members_among(stars)
    if members:
        yield _MEMBER_BLOCK, sky.draw_members(seed), members
    left = stars - members
    for block in range(-(-left // sky.BLOCK)):
        yield block, sky.draw_block(seed, block), min(sky.BLOCK, left - block * sky.BLOCK)


def block_rows(
    block: Stars, count: int, rates: Mapping[str, Links], seed: int, key: int, *, bias: bool
) -> dict[str, Values]:
    """Return what goes into each file for the first `count` stars of a block."""
    seen = observe_sky(block, rates, np.random.SeedSequence(seed, spawn_key=(2, key)), bias=bias)
    written: dict[str, Values] = {}
    truths: list[Values] = []
    for number, table in enumerate(TABLES):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3, key, number)))
        observations = seen[table.survey]
        published = table.fill(rng, block, observations)
        kept = observations.star < count
        written[table.file_name] = {name: values[kept] for name, values in published.items()}
        truths.append(truth.rows(table, written[table.file_name], block, observations.take(kept)))
    written[TRUTH] = _joined(truths)
    return written


def _joined(parts: list[Values]) -> Values:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _described(path: Path, survey: str | None, rows: int) -> MockFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return MockFile(path.name, survey, rows, path.stat().st_size, digest)


def _save(out: Path, summary: MockSummary) -> MockSummary:
    record: dict[str, Any] = {**asdict(summary), "clusters": [asdict(cluster) for cluster in clusters.CLUSTERS]}
    unfinished = out / f"{SUMMARY}.part"
    unfinished.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(out / SUMMARY)
    return summary
