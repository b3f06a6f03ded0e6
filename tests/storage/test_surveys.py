"""Counts of an ingestion, whatever their size."""

import pytest

from app.storage import surveys
from app.surveys import loader


@pytest.mark.parametrize(("stored", "rejected"), [(32_752, 329), (3, 0), (2_147_483_600, 100)])
def test_rows_read_are_those_stored_and_rejected(database, stored, rejected):
    descriptor = next(one for one in loader.builtin() if one.name == "small_a")
    with database.begin() as connection:
        survey_id = surveys.ensure(connection, descriptor)
        number = surveys.add_ingestion(
            connection, survey_id, descriptor, file_name="a.csv", file_sha256="00", file_bytes=1, file_format="csv"
        )
        surveys.finish_ingestion(connection, number, rows_stored=stored, rows_rejected=rejected)
        (found,) = surveys.ingestions(connection, "small_a")
    assert (found.rows_read, found.rows_stored, found.rows_rejected) == (stored + rejected, stored, rejected)
