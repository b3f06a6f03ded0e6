"""A table of stars as a HATS folder: Parquet files by HEALPix pixel, which LSDB opens.

IVOA note "HATS: A Standard for the Hierarchical Adaptive Tiling Scheme in the Virtual Observatory" 1.0 (2025-08-22).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.domain.columns import Column, Kind
from app.storage.hats_margin import MARGIN_ARCSEC, Margin
from app.storage.hats_places import Below, Place
from app.storage.hats_tiles import INDEX_ORDER, Counts, Tile, index_pixels
from app.storage.table_files import ROW_GROUP, Drain, described, with_dictionary

if TYPE_CHECKING:
    import pyarrow as pa

TILE_ROWS = 500_000
_INDEX_MEANING = "HEALPix pixel of the position, nested, of order 29, by which rows are sorted"
INDEX = Column(f"_healpix_{INDEX_ORDER}", Kind.ID, _INDEX_MEANING, None, "pos.healpix")
_OBJECT = {"dataproduct_type": "object"}
MARGIN_FOLDER = f"margin_{MARGIN_ARCSEC:g}arcs"
_STANDARD = {"hats_version": "v1.0", "hats_release_date": "2025-08-22"}


@dataclass(frozen=True)
class About:
    """What a HATS folder says of itself.

    Attributes:
        name: of the catalogue.
        builder: software that made it.
        made_at: when.
        facts: key-value pairs for each file: `sos.version`, `sos.rows`, `sos.citation`.
    """

    name: str
    builder: str
    made_at: datetime
    facts: Mapping[str, str]


def tiles_of(positions: Iterable[pa.RecordBatch], most: int = TILE_ROWS) -> list[Tile]:
    """Return the tiles for stars.

    Args:
        positions: columns `ra` and `dec`, degrees.
        most: stars in a tile, at most.
    """
    counts = Counts()
    for batch in positions:
        counts.add(_pixels(batch))
    return counts.tiles(most)


def write(
    place: Place,
    tiles: list[Tile],
    rows: pa.RecordBatchReader,
    columns: tuple[Column, ...],
    about: About,
    *,
    scratch: Path,
) -> None:
    """Write a HATS folder, and in it one with its margin; in memory there is never more than one tile.

    Args:
        place: where its files go.
        tiles: of `tiles_of`, for the same stars.
        rows: the stars, with columns as in `columns`, `ra` and `dec` among them.
        columns: what is known about the columns.
        about: what the folder says of itself.
        scratch: an empty folder with room for the whole table.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only files need it

    schema = described(_indexed_schema(rows.schema), (INDEX, *columns), about.facts)
    margin = Margin(tiles)
    beside = np.zeros(len(tiles), np.int64)
    for batch in rows:
        pixels = _pixels(batch)
        whole = pa.RecordBatch.from_arrays([pa.array(pixels), *batch.columns], schema=schema)
        for number, piece in _by_tile(whole, *_inside(tiles, pixels)):
            _append(scratch / str(number), piece)
        for number, piece in _by_tile(whole, *margin.of(pixels)):
            _append(scratch / f"{number}.margin", piece)
            beside[number] += piece.num_rows
    size = _write_dataset(place, [(tile, scratch / str(number)) for number, tile in enumerate(tiles)], schema, columns)
    _write_properties(place, _properties(tiles, size, about, _OBJECT))
    lined = [
        (replace(tile, rows=int(n)), scratch / f"{k}.margin")
        for k, (tile, n) in enumerate(zip(tiles, beside, strict=True))
        if n
    ]
    place = Below(place, MARGIN_FOLDER)
    size = _write_dataset(place, lined, schema, columns)
    _write_properties(place, _properties([tile for tile, _ in lined], size, about, _margin_of(about)))


def _write_dataset(
    place: Place, waiting: Sequence[tuple[Tile, Path]], schema: pa.Schema, columns: tuple[Column, ...]
) -> int:
    """Write the Parquet files of tiles whose rows wait in files, and those about them; return their size in bytes."""
    metadata, size = [], 0
    for tile, rows in waiting:
        with place.file(f"dataset/{tile.path}") as target:
            footer, written = _write_tile(target, _gathered(rows, schema), (INDEX, *columns))
        footer.set_file_path(tile.path)
        metadata.append(footer)
        size += written
    _write_text(place, "dataset/_metadata", _footer(schema, metadata))
    _write_text(place, "dataset/_common_metadata", _footer(schema, []))
    lines = ["Norder,Npix", *(f"{tile.order},{tile.pixel}" for tile, _ in waiting)]
    _write_text(place, "partition_info.csv", "".join(f"{line}\n" for line in lines).encode())
    return size


def _write_properties(place: Place, said: bytes) -> None:
    for name in ("hats.properties", "properties"):  # the second is where readers of older releases look
        _write_text(place, name, said)


def _pixels(batch: pa.RecordBatch) -> Any:
    ra, dec = (batch.column(name).to_numpy() for name in ("ra", "dec"))
    return index_pixels(ra, dec)


def _indexed_schema(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only files need it

    return schema.insert(0, pa.field(INDEX.name, pa.int64()))


def _inside(tiles: list[Tile], pixels: Any) -> tuple[Any, Any]:
    """Return stars, by their place, and the number of the tile that each lies in, in the order of the index."""
    starts = np.array([tile.first for tile in tiles], np.int64)
    order = np.argsort(pixels, kind="stable")
    return order, np.searchsorted(starts, pixels[order], side="right") - 1


def _by_tile(batch: pa.RecordBatch, star: Any, tile: Any) -> Iterator[tuple[int, Any]]:
    """Yield the rows of stars, of each tile together, with its number; `tile` goes up."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    chosen = batch.take(pa.array(star))
    cuts = [0, *(np.flatnonzero(np.diff(tile)) + 1).tolist(), len(tile)]
    for begin, end in pairwise(cuts):
        if end > begin:
            yield int(tile[begin]), chosen.slice(begin, end - begin)


def _append(path: Path, piece: pa.RecordBatch) -> None:
    with path.open("ab") as waiting:
        waiting.write(piece.serialize())


def _gathered(waiting: Path, schema: pa.Schema) -> pa.Table:
    """Return the rows of a tile in the order of the index, and forget where they waited."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    batches = []
    with waiting.open("rb") as source:
        while True:
            try:
                batches.append(pa.ipc.read_record_batch(pa.ipc.read_message(source), schema))
            except EOFError:
                break
    waiting.unlink()
    return pa.Table.from_batches(batches).sort_by(INDEX.name)


def _write_tile(target: Any, table: pa.Table, columns: tuple[Column, ...]) -> tuple[Any, int]:
    """Write a Parquet file; return its footer and its size in bytes."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    sink = Drain()
    footers: list[Any] = []
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="zstd",
        use_dictionary=with_dictionary(columns),
        metadata_collector=footers,
        sorting_columns=[pq.SortingColumn(0)],
    ) as writer:
        for start in range(0, len(table), ROW_GROUP):
            writer.write_table(table.slice(start, ROW_GROUP))
            target.write(sink.drained())
    target.write(sink.drained())
    return footers[0], sink.tell()


def _footer(schema: pa.Schema, footers: list[Any]) -> bytes:
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    content = io.BytesIO()
    pq.write_metadata(schema, content, metadata_collector=footers or None)
    return content.getvalue()


def _write_text(place: Place, name: str, content: bytes) -> None:
    with place.file(name) as target:
        target.write(content)


def _margin_of(about: About) -> dict[str, object]:
    """Return what the properties of the margin say that those of the catalogue do not."""
    return {
        "obs_collection": f"{about.name}_{MARGIN_FOLDER}",
        "dataproduct_type": "margin",
        "hats_primary_table_url": about.name,
        "hats_margin_threshold": MARGIN_ARCSEC,
    }


def _properties(tiles: list[Tile], size: int, about: About, kind: Mapping[str, object]) -> bytes:
    """Return the properties of a catalogue or margin; `size` is that of its Parquet files in bytes."""
    known = {
        "obs_collection": about.name,
        **kind,
        "hats_nrows": sum(tile.rows for tile in tiles),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": INDEX.name,
        "hats_col_healpix_order": INDEX_ORDER,
        "hats_cols_sort": INDEX.name,
        "hats_max_rows": max((tile.rows for tile in tiles), default=0),
        "hats_order": max((tile.order for tile in tiles), default=0),
        "hats_npix_suffix": ".parquet",
        "moc_sky_fraction": f"{sum(tile.sky_fraction for tile in tiles):.5f}",
        "hats_estsize": -(-size // 1024),
        "hats_builder": about.builder,
        "hats_creation_date": about.made_at.strftime("%Y-%m-%dT%H:%MUTC"),
        **_STANDARD,
        "obs_ack": " ".join(about.facts["sos.citation"].replace("\\", "\\\\").split()),
    }
    return "".join(["#HATS catalog\n", *(f"{key}={value}\n" for key, value in known.items())]).encode()
