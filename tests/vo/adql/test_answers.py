"""ADQL answers exactly what SQL answers, and columns keep what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text

from app.domain.columns import CATALOG, MEASUREMENTS
from app.domain.errors import QueryError
from app.domain.fields import Datatype, Field
from app.services.queries import Queries
from app.storage.engine import Database
from app.storage.user_queries import Upload
from app.vo.adql.translate import translate
from app.vo.tap_schema import shown
from tests.support.adql import ask, tables
from tests.support.catalogue import Truth
from tests.vo.conftest import Ask

STAR = "(SELECT *, version_id AS version FROM homogenized WHERE version_id = 2) AS star"
CALIBRATED = "(SELECT * FROM calibrated WHERE version_id = 2) AS c"
UPLOAD = Upload(
    "mine",
    (Field("Name", Datatype.TEXT), Field("teff", Datatype.DOUBLE), Field("star_id", Datatype.LONG)),
    {
        "Name": np.array(["one", "two", None], dtype=object),
        "teff": np.ma.masked_array([4300.0, 4310.0, 0.0], [False, False, True]),
        "star_id": np.array([11, 14, 9_999]),
    },
)


# ADQL, and below it the same in SQL; <star> and <calibrated> are the tables of the published version.
PAIRS = r"""
SELECT TOP 7 star_id, ra, dec, teff FROM sos.star ORDER BY teff DESC, star_id
=
SELECT star_id, ra, dec, teff FROM <star> ORDER BY teff DESC, star_id LIMIT 7

select count(*) as n, avg(teff) as mean, min(feh) as low, sum(teff_n) as measured from sos.star
=
SELECT count(*) AS n, avg(teff::float8) AS mean, min(feh) AS low, sum(teff_n) AS measured FROM <star>

SELECT teff_n, COUNT(DISTINCT logg_n) AS kinds FROM SOS.STAR GROUP BY teff_n HAVING COUNT(*) > 3 ORDER BY 1
=
SELECT teff_n, count(DISTINCT logg_n) AS kinds FROM <star> GROUP BY 1 HAVING count(*) > 3 ORDER BY 1

SELECT s.star_id, m.survey, m.object_id, m.teff_raw, m.teff FROM sos.star AS s JOIN sos.measurement AS m ON
m.star_id = s.star_id WHERE s.teff BETWEEN 4210 AND 4230 AND NOT m.in_domain = FALSE ORDER BY 1, 2
=
SELECT star.star_id, v.name AS survey, m.object_id, m.teff AS teff_raw, c.teff FROM <star> JOIN <calibrated> ON
c.star_id = star.star_id JOIN measurement m ON m.measurement_id = c.measurement_id JOIN survey v ON v.survey_id
= m.survey_id WHERE star.teff BETWEEN 4210 AND 4230 AND c.in_domain ORDER BY 1, 2

SELECT star_id FROM sos.star WHERE gaia_dr3_source_id IS NULL AND star_id NOT IN (38, 68) ORDER BY star_id
=
SELECT star_id FROM <star> WHERE gaia_dr3_source_id IS NULL AND star_id NOT IN (38, 68) ORDER BY 1

SELECT gaia_dr3_source_id AS id FROM sos.star WHERE gaia_dr3_source_id = 4611686018427387906
=
SELECT gaia_dr3_source_id AS id FROM <star> WHERE gaia_dr3_source_id = 4611686018427387906

WITH hot (n, t) AS (SELECT star_id, teff FROM sos.star WHERE teff > 4480), cold AS (SELECT star_id AS n, teff AS
t FROM sos.star WHERE teff < 4210) SELECT * FROM hot UNION ALL SELECT n, t FROM cold ORDER BY t, n
=
SELECT star_id AS n, teff AS t FROM <star> WHERE teff > 4480 OR teff < 4210 ORDER BY t, n

SELECT star_id FROM sos.star EXCEPT SELECT star_id FROM sos.star WHERE teff_n > 1 ORDER BY star_id
=
SELECT star_id FROM <star> WHERE teff_n <= 1 ORDER BY 1

SELECT MOD(star_id, 7) AS m, ROUND(teff / 7, 2) AS r, TRUNCATE(-logg, 1) AS t, POWER(feh, 2) AS p, LOG10(teff)
AS l, LOG(teff) AS n, -feh + 1.5 AS s, 7 / 2 AS whole, 7 / 2. AS broken FROM sos.star WHERE teff IS NOT NULL
ORDER BY star_id
=
SELECT mod(star_id, 7) AS m, round((teff / 7)::float8::numeric, 2)::float8 AS r, trunc((-logg)::float8::numeric,
1)::float8 AS t, power(feh::float8, 2) AS p, log(teff::float8) AS l, ln(teff::float8) AS n, -feh + 1.5::float8
AS s, 7 / 2 AS whole, 7 / 2.::float8 AS broken FROM <star> WHERE teff IS NOT NULL ORDER BY star_id

SELECT UPPER(survey) AS u, LOWER('AB') || '''x\' AS l, COALESCE(split, 'none') AS s, CAST(snr AS INTEGER) AS i,
CAST(snr AS VARCHAR(3)) AS v, CASE WHEN snr > 50 THEN 'good' ELSE NULL END AS c FROM sos.measurement WHERE
object_id LIKE 'A/1_ %' AND object_id NOT LIKE '%\%' ORDER BY object_id
=
SELECT upper(v.name) AS u, 'ab''x' || chr(92) AS l, coalesce((ARRAY['train', 'conformalize', 'test'])[c.split +
1], 'none') AS s, snr::int AS i, snr::varchar(3) AS v, CASE WHEN snr > 50 THEN 'good' END AS c FROM measurement
m JOIN survey v USING (survey_id) LEFT JOIN <calibrated> USING (measurement_id) WHERE object_id LIKE 'A/1_ %'
ORDER BY object_id

SELECT s.star_id FROM sos.star s WHERE EXISTS (SELECT 1 FROM sos.measurement m WHERE m.star_id = s.star_id AND
m.survey = 'gamma') AND s.teff > (SELECT AVG(teff) FROM sos.star) ORDER BY s.star_id
=
SELECT star_id FROM <star> WHERE star_id IN (SELECT star_id FROM <calibrated> WHERE survey_id = 3) AND teff >
(SELECT avg(teff) FROM <star>) ORDER BY 1

SELECT * FROM (SELECT star_id, teff FROM sos.star WHERE teff < 4205) AS a FULL OUTER JOIN (SELECT star_id, logg
FROM sos.star WHERE teff < 4203) AS b USING (star_id) ORDER BY star_id
=
SELECT star_id, a.teff, b.logg FROM (SELECT star_id, teff FROM <star> WHERE teff < 4205) a LEFT JOIN (SELECT
star_id, logg FROM <star> WHERE teff < 4203) b USING (star_id) ORDER BY star_id

SELECT a.star_id, b.survey, c.star_id AS other FROM sos.star AS a LEFT JOIN (sos.measurement AS b JOIN sos.star AS c
ON b.star_id = c.star_id AND c.teff < 4210) ON a.star_id = b.star_id WHERE a.teff < 4220 ORDER BY 1, 2
=
SELECT star.star_id, b.survey, b.star_id AS other FROM <star> LEFT JOIN (SELECT v.name AS survey, c.star_id FROM
<calibrated> JOIN survey v USING (survey_id) JOIN homogenized h ON h.star_id = c.star_id AND h.version_id = 2 AND h.teff
< 4210) AS b USING (star_id) WHERE star.teff < 4220 ORDER BY 1, 2

WITH measurement AS (SELECT star_id FROM sos.measurement WHERE survey = 'gamma'), survey AS (SELECT 'x' AS name),
homogenized AS (SELECT 2 AS version_id, s.* FROM sos.star AS s WHERE s.star_id = 11) SELECT s.star_id, m.survey FROM
sos.star AS s JOIN measurement USING (star_id) JOIN sos.measurement AS m USING (star_id) ORDER BY 1, 2
=
SELECT c.star_id, v.name AS survey FROM <calibrated> JOIN survey v USING (survey_id) WHERE c.star_id IN (SELECT star_id
FROM calibrated WHERE version_id = 2 AND survey_id = 3) ORDER BY 1, 2

SELECT name, n_files, n_rows, n_rejects FROM sos.survey ORDER BY name
=
SELECT name, count(*) AS n_files, sum(rows_stored) AS n_rows, sum(rows_rejected) AS n_rejects FROM survey JOIN
ingestion USING (survey_id) GROUP BY name ORDER BY name

SELECT version, state, n_stars FROM sos.version ORDER BY version DESC
=
SELECT version_id AS version, state, n_stars FROM version ORDER BY 1 DESC

SELECT star_id FROM sos.star ORDER BY star_id OFFSET 290
=
SELECT star_id FROM <star> ORDER BY star_id OFFSET 290

SELECT m.*, s.teff FROM tap_upload.mine AS m LEFT JOIN sos.star AS s ON s.star_id = m.STAR_ID ORDER BY "Name"
=
SELECT m.name AS "Name", m.teff, m.star_id, star.teff AS teff_2 FROM (VALUES ('one', 4300::float8, 11), ('two',
4310, 14), (NULL, NULL, 9999)) AS m (name, teff, star_id) LEFT JOIN <star> ON star.star_id = m.star_id ORDER BY
1
"""


@pytest.mark.parametrize("pair", PAIRS.strip().split("\n\n"))
def test_adql_answers_what_sql_answers(adql: Ask, vo_database: Database, pair: str):
    adql_text, sql_text = pair.replace("<star>", STAR).replace("<calibrated>", CALIBRATED).split("\n=\n")
    uploads = (UPLOAD,) if "tap_upload" in adql_text else ()
    found = adql(adql_text, *uploads)
    with vo_database.connect() as connection:
        expected = [dict(row) for row in connection.execute(text(sql_text.replace(":", r"\:"))).mappings()]
    assert len(expected) > 0
    assert [as_sent(row) for row in found] == [as_sent(row) for row in expected]


def as_sent(row: dict[str, object]) -> dict[str, object]:
    """Return a row as both sides can hold it: single precision, whole numbers for sums."""
    kinds = {"float": np.float32, "Decimal": int}
    return {name: kinds.get(type(value).__name__, lambda same: same)(value) for name, value in row.items()}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2e0+9", 11.0),
        ("1e0+9e5-3e-1+2", 900_002.7),
        ("1E+2-1E-2", 99.99),
        ("1e2+teff_n-teff_n", 100.0),
        ("0x1F", 31),
        ("-0Xff+1", -254),
        ("0x1e5+2", 487),
        ("0x7FFFFFFFFFFFFFFF", 2**63 - 1),
        ("ROUND(2.5)", 3.0),
        ("ROUND(-2.5)", -3.0),
        ("ROUND(2.5, 0)", 3.0),
        ("ROUND(0.49999999999999994)", 0.0),
        ("ROUND(15, -1)", 20.0),
        ("ROUND(2459000.123456789, 8)", 2_459_000.12345679),
        ("TRUNCATE(2459000.123456789, 8)", 2_459_000.12345678),
        ("TRUNCATE(-2.7)", -2.0),
        ("MOD(2459000.123456789, 1)", 0.123456789),
        ("MOD(-7.5, 2)", -1.5),
        ("MOD(-7, 3)", -1),
    ],
)
def test_numbers_are_what_adql_says_they_are(adql: Ask, expression: str, value: float):
    [row] = adql(f"SELECT {expression} AS x, '1e5+2' AS \"1e5+2\" FROM sos.star WHERE star_id = 11 -- 1e5+2")
    assert row == {"x": value, "1e5+2": "1e5+2"}


def test_an_error_behind_a_number_with_an_exponent_names_its_place():
    with pytest.raises(QueryError) as raised:
        translate("SELECT 1e5+2e5+3,\n  1e5-tef FROM sos.star", tables())
    assert (raised.value.line, raised.value.column) == (2, 7)


def test_a_query_that_is_a_value_keeps_its_unit(queries: Queries):
    fields, _ = ask(queries, "SELECT (SELECT MAX(teff) FROM sos.star) AS top FROM sos.version WHERE version = 1")
    assert (fields[0].unit, fields[0].datatype) == ("K", Datatype.FLOAT)


@pytest.mark.parametrize("word", ["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
def test_a_set_operation_describes_its_columns_as_the_first_query_does(queries: Queries, word: str):
    text = f"SELECT star_id, teff AS t FROM sos.star {word} SELECT star_id, teff_raw FROM sos.measurement"
    star, teff = ask(queries, text)[0]
    first, second = ask(queries, "SELECT TOP 1 star_id, teff AS t FROM sos.star")[0]
    assert (star.unit, star.ucd, star.description) == (first.unit, first.ucd, first.description)
    assert (teff.name, teff.unit, teff.ucd, teff.datatype) == ("t", "K", second.ucd, Datatype.FLOAT)


def test_columns_keep_unit_ucd_and_description_through_queries_in_queries(queries: Queries):
    fields, _ = ask(
        queries,
        "WITH a AS (SELECT ra AS alpha, teff, teff + 1 AS more FROM sos.star)"
        " SELECT TOP 1 b.*, MAX(teff) AS top FROM (SELECT alpha, teff, more FROM a) AS b GROUP BY alpha, teff, more",
    )
    alpha, teff, more, hottest = fields
    ra = next(column for column in CATALOG if column.name == "ra")
    assert (alpha.name, alpha.unit, alpha.ucd, alpha.description) == ("alpha", ra.unit, ra.ucd, ra.description)
    assert (teff.datatype, teff.unit, teff.ucd) == (Datatype.FLOAT, "K", "phys.temperature.effective;meta.main")
    assert (more.datatype, more.unit, more.ucd) == (Datatype.DOUBLE, None, None)
    assert (hottest.datatype, hottest.unit, hottest.ucd) == (Datatype.FLOAT, "K", None)


@pytest.mark.parametrize("table", [table.full_name for table in tables()])
def test_the_declared_columns_are_those_of_the_database(queries: Queries, table: str):
    declared = next(one for one in tables() if one.full_name == table)
    fields, rows = ask(queries, f"SELECT * FROM {table}")
    assert fields == declared.fields
    assert rows


def test_the_tables_hold_the_columns_of_the_files():
    star, measurement, *_ = tables()
    assert [column.name for column in star.fields] == [column.name for column in CATALOG]
    assert [column.name for column in measurement.fields] == [column.name for column in MEASUREMENTS]


def test_tap_schema_describes_every_column_once(adql: Ask):
    rows = adql('SELECT table_name, column_name, "size" FROM tap_schema.columns ORDER BY table_name, column_index')
    assert [(row["table_name"], row["column_name"]) for row in rows] == [
        (table.full_name, shown(column.name))
        for table in sorted(tables(), key=lambda one: one.full_name)
        for column in table.fields
    ]


def test_in_unit_converts_by_the_unit_of_the_column(adql: Ask, truth: Truth):
    rows = adql("SELECT TOP 3 IN_UNIT(ra, 'rad') AS ra, IN_UNIT(teff, 'kK') AS t, teff FROM sos.star ORDER BY star_id")
    np.testing.assert_allclose([row["ra"] for row in rows], np.radians(truth.ra[:3]))
    np.testing.assert_allclose([row["t"] for row in rows], [row["teff"] / 1000 for row in rows])


def test_only_the_published_version_is_opened(vo_database: Database, truth: Truth):
    written = translate(
        "SELECT TOP 1 star_id FROM sos.star WHERE DISTANCE(POINT(ra, dec), POINT(1, 2)) < 0.1", tables()
    )
    with vo_database.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {written.sql}").scalars())
    assert "homogenized_2" in plan
    assert "homogenized_1" not in plan
    assert "ix_homogenized_2_sky" in plan


def test_a_query_that_cannot_be_bounded_is_stopped_and_told_how_to_bound_it(adql: Ask):
    endless = "SELECT COUNT(*) FROM sos.star a, sos.star b, sos.star c, sos.star d WHERE a.ra + b.ra + c.ra > d.dec"
    with pytest.raises(QueryError, match=r"stopped by the time limit of 0.2 s: bound it by a place"):
        adql(endless, seconds=0.2)


def test_rows_come_no_more_than_asked_for(adql: Ask):
    assert len(adql("SELECT star_id FROM sos.star", limit=17)) == 17
