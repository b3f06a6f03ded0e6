"""A survey's file on its way into the database: rows stored as measurements, rows rejected, all of them counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import TableError
from app.domain.surveys import Ingestion
from app.pipeline.column_facts import column_facts
from app.pipeline.prefetch import prefetched
from app.pipeline.progress import Progress
from app.pipeline.readers import SurveyTable, open_table
from app.storage import measurements, raw, surveys
from app.storage.json_text import rows_as_json
from app.surveys.translation import REASONS, Translation, Translator


def open_described(path: Path, descriptor: SurveyDescriptor) -> SurveyTable:
    """Open a file as a descriptor says: which of its tables, which columns are text, which texts mean nothing.

    Raises:
        TableError: the file is damaged or of no known kind.
    """
    return open_table(
        path,
        table=descriptor.file.table,
        text_columns=descriptor.text_columns(),
        missing=descriptor.missing.texts,
    )


@dataclass
class Intake:
    """One file on its way in, within one transaction."""

    connection: Connection
    descriptor: SurveyDescriptor
    path: Path
    file_sha256: str
    table: SurveyTable
    stored: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def run(self, translator: Translator, *, replace_earlier: bool, progress: Progress) -> Ingestion:
        """Store and reject all rows and return the file's record."""
        connection, name = self.connection, self.descriptor.name
        self.survey_id = surveys.ensure(connection, self.descriptor)
        if replace_earlier:
            self._put_earlier_aside()
        self.ingestion_id = self._open_record()
        self.partition = measurements.open_partition(connection, self.survey_id, name)
        self.raw = raw.ensure(connection, name, self.table.schema, file=self.path.name)
        raw.describe(connection, self.raw, column_facts(self.table.schema, self.descriptor))
        for batch, translation in prefetched(_translated(self.table, translator)):
            self._take(batch, translation)
            progress(self.stored + self.rejected, self.table.rows)
        self._close()
        return self._record()

    def _take(self, batch: pa.RecordBatch, translation: Translation) -> None:
        first = self.stored + self.rejected + 1
        kept = translation.kept
        if kept.all():
            self._store(batch, translation)
            return
        rows = np.arange(first, first + len(kept))[~kept]
        bad = batch.filter(pa.array(~kept))
        reasons = pa.array(REASONS).take(pa.array(translation.reasons[~kept]))
        self._reject(rows, reasons, rows_as_json(bad))
        if kept.any():
            self._store(batch.filter(pa.array(kept)), translation)

    def _store(self, batch: pa.RecordBatch, translation: Translation) -> None:
        columns = translation.columns
        numbers = measurements.append(self.connection, self.partition, self.ingestion_id, columns)
        rows = np.asarray(columns["row_number"])
        raw.append(self.connection, self.raw, self.ingestion_id, batch, numbers=numbers, row_numbers=rows)
        self.stored += len(numbers)

    def _reject(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], reasons: pa.Array, originals: pa.Array) -> None:
        surveys.add_rejects(
            self.connection,
            self.survey_id,
            self.ingestion_id,
            row_numbers=rows,
            reasons=reasons,
            originals=originals,
        )
        self.rejected += len(rows)
        for entry in pc.value_counts(reasons).to_pylist():
            self.reasons[entry["values"]] = self.reasons.get(entry["values"], 0) + entry["counts"]

    def _close(self) -> None:
        measurements.close_partition(self.connection, self.partition)
        raw.close(self.connection, self.raw)
        if not self.partition.new:
            self._reject_repeated()
        if self.rejected and not self.stored:
            reason, count = max(self.reasons.items(), key=lambda item: item[1])
            raise TableError(self.path.name, f"none of its {self.rejected} rows can be used; {count} of them: {reason}")
        surveys.finish_ingestion(
            self.connection, self.ingestion_id, rows_stored=self.stored, rows_rejected=self.rejected
        )

    def _reject_repeated(self) -> None:
        """Turn rows whose object came with another file into rejects."""
        found = measurements.repeated_objects(self.connection, self.survey_id, self.ingestion_id)
        numbers = found["measurement_id"]
        if not len(numbers):
            return
        originals = raw.rows_as_json(self.connection, self.descriptor.name, numbers)
        texts = pa.array([originals[number] for number in numbers.tolist()], pa.large_string())
        measurements.delete_rows(self.connection, self.survey_id, numbers)
        raw.delete_rows(self.connection, self.descriptor.name, numbers)
        self.stored -= len(numbers)
        self._reject(found["row_number"], pa.array(found["reason"], pa.string()), texts)

    def _put_earlier_aside(self) -> None:
        earlier = [one.ingestion_id for one in surveys.ingestions(self.connection, self.descriptor.name)]
        if earlier:
            surveys.supersede(self.connection, earlier)
            measurements.purge_superseded(self.connection)

    def _open_record(self) -> int:
        return surveys.add_ingestion(
            self.connection,
            self.survey_id,
            self.descriptor,
            file_name=self.path.name,
            file_sha256=self.file_sha256,
            file_bytes=self.path.stat().st_size,
            file_format=self.table.format,
        )

    def _record(self) -> Ingestion:
        found = surveys.ingestions(self.connection, self.descriptor.name, file_sha256=self.file_sha256)
        return next(one for one in found if one.ingestion_id == self.ingestion_id)


def _translated(table: SurveyTable, translator: Translator) -> Iterator[tuple[pa.RecordBatch, Translation]]:
    first = 1
    for batch in table.batches():
        yield batch, translator.translate(batch, first)
        first += batch.num_rows
