"""The simulated sky in its official formats is taken in whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.table import Table

from app.pipeline.ingest import ingest_folder
from app.pipeline.mock import write_sky
from app.storage.bulk import copy_out
from app.storage.engine import Database


def test_every_official_format_is_recognised_and_accounted_for(database: Database, tmp_path: Path) -> None:
    written = write_sky(tmp_path, stars=3_000, seed=3)
    taken = ingest_folder(database, tmp_path)
    expected = {one.survey: (one.name, one.rows) for one in written.files if one.survey}
    assert {one.survey: (one.file_name, one.rows_read) for one in taken} == expected
    assert {one.file_format for one in taken} == {"FITS", "CSV", "VOTable", "ECSV", "Parquet"}
    for one in taken:
        assert one.rows_stored + one.rows_rejected == one.rows_read
        assert one.rows_stored > 0.9 * one.rows_read
    _check_galah(database, Table.read(tmp_path / "GALAH_DR3_main_allstar_v2.fits"))


def _check_galah(database: Database, original: Table) -> None:
    query = "SELECT row_number, object_id, gaia_dr3, gaia_dr2, ra, teff, excluded FROM measurement_galah_dr3"
    with database.connect() as connection:
        found = copy_out(connection, query + " ORDER BY row_number")
    rows = original[found["row_number"] - 1]
    assert found["object_id"].tolist() == [str(number) for number in rows["sobject_id"]]
    np.testing.assert_array_equal(found["gaia_dr3"], rows["dr3_source_id"])
    np.testing.assert_array_equal(found["gaia_dr2"], rows["dr2_source_id"])
    np.testing.assert_array_equal(found["ra"], rows["ra_dr2"])
    np.testing.assert_array_equal(found["teff"], np.ma.filled(rows["teff"], np.nan).astype("f4"))
    used = (rows["flag_sp"] == 0) & (rows["snr_c3_iraf"] > 30)
    np.testing.assert_array_equal(found["excluded"] & 1, np.where(used, 0, 1))
