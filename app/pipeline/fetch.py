"""Download rows of a released survey from its TAP service into a Parquet file that `ingest` takes.

Pages are kept beside the file until it is whole, so that an interrupted download goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import ConflictError, DescriptorError, ParameterError
from app.pipeline.progress import Progress, silent
from app.pipeline.remote import Cone, Key, RemoteRows


@dataclass(frozen=True)
class Download:
    """A finished download."""

    file: str
    rows: int
    resumed_from: int


@dataclass
class _Pages:
    """The pages of a download that is under way: a folder of Parquet files and what is known of them."""

    folder: Path
    signature: str
    rows: int = 0
    pages: int = 0
    last_key: Key | None = None
    more: bool = True

    @classmethod
    def open(cls, folder: Path, signature: str) -> _Pages:
        """Return the pages in a folder, none where it is new.

        Raises:
            ConflictError: the folder holds another download.
        """
        record = folder / "state.json"
        if not record.exists():
            folder.mkdir(parents=True, exist_ok=True)
            return cls(folder, signature)
        found = cls(folder, **json.loads(record.read_text(encoding="utf-8")))
        if found.signature != signature:
            raise ConflictError(
                f"{folder} holds an unfinished download of something else: remove it, or ask for the same"
            )
        return found

    def add(self, rows: pa.Table, last_key: Key | None, *, more: bool) -> None:
        """Keep a page, then the record of it: what an interruption leaves half-written is fetched again."""
        pq.write_table(rows, self._page(self.pages))
        self.pages, self.rows, self.more = self.pages + 1, self.rows + rows.num_rows, more
        self.last_key = self.last_key if last_key is None else last_key
        state = {key: getattr(self, key) for key in ("signature", "rows", "pages", "last_key", "more")}
        unfinished = self.folder / "state.json.new"
        unfinished.write_text(json.dumps(state), encoding="utf-8")
        unfinished.replace(self.folder / "state.json")

    def join(self, out: Path, metadata: dict[str, str]) -> None:
        """Write all pages into one file, which appears when it is whole, and remove the folder."""
        unfinished = out.with_name(f"{out.name}.new")
        schema = pq.read_schema(self._page(0)).with_metadata(metadata)
        with pq.ParquetWriter(unfinished, schema) as writer:
            for number in range(self.pages):
                writer.write_table(pq.read_table(self._page(number)).cast(schema))
        unfinished.replace(out)
        shutil.rmtree(self.folder)

    def _page(self, number: int) -> Path:
        return self.folder / f"{number:06d}.parquet"


def fetch(
    descriptor: SurveyDescriptor,
    out: Path,
    *,
    limit: int | None = None,
    cone: Cone | None = None,
    url: str | None = None,
    progress: Progress = silent,
) -> Download:
    """Download rows into a file; called again after an interruption, it goes on.

    Args:
        descriptor: with the remote table and our names for its columns.
        out: a file that ends in `.parquet`.
        limit: how many rows at most; default all.
        cone: where on the sky; default everywhere.
        url: another TAP service with the same table.
        progress: called with rows so far and the limit.

    Raises:
        DescriptorError: the survey cannot be fetched.
        ParameterError: the file name or the query is no good.
        ConflictError: the file is there already, or an unfinished download of something else.
        UnavailableError: the service stopped answering; what came so far is kept.
    """
    remote = descriptor.fetch
    if remote is None:
        raise DescriptorError(descriptor.source, "fetch", "is missing: this format cannot be downloaded")
    if out.suffix != ".parquet":
        raise ParameterError("out", f"must end in .parquet, got {out.name}")
    if out.exists():
        raise ConflictError(f"{out} is there already")
    remote = replace(remote, url=url) if url else remote
    source = RemoteRows(remote, cone)
    pages = _Pages.open(out.with_name(f"{out.name}.part"), _signature(source, limit))
    resumed_from = pages.rows
    while pages.more and (limit is None or pages.rows < limit):
        progress(pages.rows, limit)
        wanted = remote.rows_per_query if limit is None else min(remote.rows_per_query, limit - pages.rows)
        page = source.page(pages.last_key, wanted)
        pages.add(page.rows, page.last_key, more=page.more)
    progress(pages.rows, limit)
    pages.join(out, {"source": remote.url, "query": source.query(None, limit or remote.rows_per_query)})
    return Download(str(out), pages.rows, resumed_from)


def _signature(source: RemoteRows, limit: int | None) -> str:
    said = f"{source.remote.url} {source.query(None, 0)} {limit}"
    return hashlib.sha256(said.encode()).hexdigest()
