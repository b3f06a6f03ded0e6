"""What is no ADQL is refused before the database sees any of it, with its place and what would be right."""

from __future__ import annotations

from time import process_time

import pytest

from app.domain.errors import QueryError
from app.services.queries import Queries
from app.vo.adql.translate import translate
from tests.support.adql import ask, tables

DOUBLED = ", ".join(
    f"a{n} AS (SELECT {' || '.join(['s'] * 30)} AS s FROM {'a' if n == 0 else f'a{n - 1}'})" for n in range(8)
)
DOUBLED_ROWS = ", ".join(f"a{n} AS (SELECT x.*, y.* FROM a{n - 1} AS x, a{n - 1} AS y)" for n in range(1, 30))
HOSTILE = [
    # several statements
    "SELECT 1; DROP TABLE star",
    "SELECT 1; SELECT 2",
    ";SELECT 1",
    "SELECT star_id FROM sos.star; COMMIT; DELETE FROM star; --",
    "SELECT 1 AS a;\n;\nSET ROLE NONE",
    "SELECT star_id FROM sos.star WHERE survey = ''; DROP TABLE star; --'",
    # other statements
    "DROP TABLE star",
    "DELETE FROM sos.star",
    "UPDATE sos.star SET teff = 0",
    "INSERT INTO sos.star SELECT * FROM sos.star",
    "CREATE TABLE x AS SELECT * FROM sos.star",
    "COPY sos.star TO PROGRAM 'sh'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "SET ROLE postgres",
    "RESET ROLE",
    "BEGIN",
    "DO $$ BEGIN PERFORM 1; END $$",
    "EXPLAIN ANALYZE SELECT 1",
    "TABLE sos.star",
    "VALUES (1)",
    "CALL x()",
    "VACUUM",
    "LISTEN x",
    "WITH x AS (DELETE FROM star RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO star VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x) SELECT * FROM x",
    "SELECT star_id INTO stolen FROM sos.star",
    "SELECT star_id FROM sos.star FOR UPDATE",
    # functions outside the list
    "SELECT pg_sleep(10)",
    "SELECT pg_catalog.pg_sleep(10)",
    'SELECT "pg_sleep"(10)',
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT set_config('role', 'none', false)",
    "SELECT current_setting('data_directory')",
    "SELECT query_to_xml('DELETE FROM star', true, true, '')",
    "SELECT dblink('host=x', 'SELECT 1')",
    "SELECT nextval('star_number')",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_advisory_lock(1)",
    "SELECT txid_current()",
    "SELECT version()",
    "SELECT repeat('x', 1000000000)",
    "SELECT * FROM generate_series(1, 1000000000) AS g",
    "SELECT * FROM pg_ls_dir('.') AS f",
    "SELECT string_agg(teff, ',') FROM sos.star",
    "SELECT count(*) OVER () FROM sos.star",
    "SELECT sum(teff) FILTER (WHERE teff > 1) FROM sos.star",
    "SELECT RAND(1) FROM sos.star",
    # tables that are none of ours
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM public.star",
    "SELECT * FROM homogenized_2",
    "SELECT * FROM sos.homogenized",
    "SELECT * FROM other.sos.star",
    'SELECT * FROM "sos.star"',
    'SELECT * FROM "SOS"."STAR"',
    "SELECT * FROM tap_upload.nothing",
    "SELECT * FROM jobs.procrastinate_jobs",
    "SELECT star.ctid FROM sos.star",
    "SELECT xmin FROM sos.star",
    "SELECT tableoid FROM sos.star",
    "SELECT star FROM sos.star",
    "SELECT current_user",
    "SELECT star_id FROM sos.star WHERE star_id = (SELECT usesysid FROM pg_user)",
    # comments
    "/* */ SELECT 1",
    "SELECT /*! 1 */ 2 FROM sos.star",
    "SELECT 1 /* \n",
    "SELECT pg_sleep/**/(1)",
    "SELECT 1 # comment",
    "-- SELECT 1",
    "",
    "   \n\t",
    # unicode tricks
    "SELECT * FROM ｓｏｓ.ｓｔａｒ",
    "SELECT * FROM sоs.star",  # the o is Cyrillic
    "SELECT star_id FROM sos.star WHERE star_id = 1ʼ",
    "SELECT\u00a01",
    "SELECT \u202e1",
    "SELECT star_id\u037e DROP TABLE star",
    "SELECT 'a\x00b' AS x",
    "SELECT 'a\ud800b' AS x",
    "SELECT U&'\\0041'",
    'SELECT U&"d\\0061t\\+000061"',
    "SELECT E'\\''; DROP TABLE star; --'",
    "SELECT N'x'",
    "SELECT $$x$$",
    "SELECT $1",
    "SELECT :name",
    "SELECT ?",
    "SELECT @@version",
    "SELECT `star_id` FROM sos.star",
    "SELECT [star_id] FROM sos.star",
    "SELECT {{ 1 }}",
    "SELECT 'open",
    'SELECT "open',
    'SELECT 1 AS ""',
    'SELECT 1 AS "' + "x" * 64 + '"',
    # huge ones
    "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "(SELECT " * 45 + "1" + ")" * 45,
    "SELECT " + "NOT " * 10_000 + "1 = 1",
    "SELECT " + "- " * 9_000 + "1",
    "SELECT " + "CASE WHEN 1 = 1 THEN " * 1_500 + "1" + " END" * 1_500,
    "SELECT " + "a" * 200_000,
    "SELECT " + "1," * 30_000 + "1",
    "SELECT ABS(" * 40 + "1" + ")" * 39,
    "SELECT 1e999",
    "SELECT CONTAINS(POINT(1, 2), POLYGON(" + "1, 2, " * 1_500 + "1, 2))",
    # casts and types
    "SELECT '1'::int",
    "SELECT CAST('pg_shadow' AS regclass)",
    "SELECT CAST(1 AS money)",
    "SELECT CAST('x' AS CHAR(100000000))",
    "SELECT CAST('<x/>' AS xml)",
    "SELECT int '1'",
    "SELECT INTERVAL '1' DAY",
    "SELECT DATE '2020-01-01'",
    "SELECT ARRAY[1, 2]",
    "SELECT ROW(1, 2)",
    "SELECT (1, 2)",
    "SELECT star_id ->> 'x' FROM sos.star",
    'SELECT star_id COLLATE "C" FROM sos.star',
    "SELECT star_id AT TIME ZONE 'UTC' FROM sos.star",
    "SELECT 1 OPERATOR(pg_catalog.+) 2",
    "SELECT 1 % 2",
    "SELECT 0x",
    "SELECT 0x7g",
    "SELECT 1x7f",
    "SELECT 1e5x",
    "SELECT 2e0+",
    "SELECT 1_000",
    # clauses of other databases
    "SELECT * FROM sos.star LIMIT 1",
    "SELECT * FROM sos.star FETCH FIRST 1 ROWS ONLY",
    "SELECT * FROM sos.star TABLESAMPLE SYSTEM (1)",
    "SELECT * FROM sos.star, LATERAL (SELECT 1) AS x",
    "SELECT DISTINCT ON (teff) star_id FROM sos.star",
    "SELECT * FROM ONLY sos.star",
    "SELECT teff FROM sos.star GROUP BY ROLLUP(teff)",
    "SELECT teff FROM sos.star GROUP BY GROUPING SETS ((teff))",
    "SELECT teff FROM sos.star ORDER BY teff NULLS FIRST",
    "SELECT teff FROM sos.star WINDOW w AS (ORDER BY teff)",
    "SELECT * EXCLUDE (teff) FROM sos.star",
    "SELECT * FROM sos.star PIVOT (COUNT(teff) FOR teff IN (1))",
    "SELECT * FROM sos.star UNION BY NAME SELECT * FROM sos.star",
    "FROM sos.star SELECT star_id",
    "FROM sos.star |> SELECT star_id",
    "SELECT TOP (SELECT 1) star_id FROM sos.star",
    "SELECT TOP -1 star_id FROM sos.star",
    "SELECT TOP 99999999999999999999 star_id FROM sos.star",
    "SELECT star_id FROM sos.star WHERE star_id = ANY (SELECT 1)",
    "SELECT x -> x + 1",
    "SELECT 1 FROM " + ", ".join(f"sos.star a{n}" for n in range(41)),
    f"WITH a AS (SELECT '{'x' * 40}' AS s), {DOUBLED} SELECT s FROM a7",
    f"WITH a AS (SELECT '{'x' * 5_000}' AS s) SELECT {' || '.join(['(SELECT s FROM a)'] * 30)} AS s FROM a",
    f"WITH a AS (SELECT '{'x' * 50_000}' AS s) SELECT {', '.join(['s'] * 300)} FROM a",
    f"WITH a0 AS (SELECT 1 AS c), {DOUBLED_ROWS} SELECT * FROM a29",
    "SELECT " + ", ".join(["1"] * 1_601),
    "SELECT 1 FROM (sos.survey AS a JOIN sos.survey AS b ON a.name = b.name) AS t",
    "SELECT 1 FROM (sos.survey AS a JOIN pg_shadow AS b ON 1 = 1)",
    "SELECT 1 FROM ((SELECT 1 AS x) AS a JOIN (SELECT pg_sleep(1) AS x) AS b USING (x))",
    "SELECT 1 FROM sos.survey WHERE n_rows IN ((SELECT 1) JOIN sos.survey ON 1 = 1)",
    "SELECT (SELECT 1 JOIN (SELECT 1)) AS x",
    "(SELECT 1 AS x) JOIN (SELECT 1 AS x) ON 1 = 1",
    "WITH a AS (SELECT 1 AS x), a AS (SELECT 2 AS x) SELECT x FROM a",
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_queries_become_no_sql(query: str):
    with pytest.raises(QueryError) as raised:
        translate(query, tables())
    assert len(str(raised.value)) < 1_000


@pytest.mark.parametrize(
    "query",
    [
        "SELECT COUNT(*) FROM sos.star a, sos.star b, sos.star c, sos.star d WHERE a.ra + b.ra < c.ra + d.ra",
        "SELECT a.* FROM sos.measurement a, sos.measurement b, sos.measurement c ORDER BY a.teff * b.teff * c.teff",
        """WITH a AS (SELECT x.star_id FROM sos.star x, sos.star y), b AS (SELECT x.star_id FROM a x, a y)
        SELECT COUNT(DISTINCT x.star_id) FROM b x, b y""",
        "SELECT teff / 0 FROM sos.star",
        "SELECT SQRT(-1 - teff) FROM sos.star",
        "SELECT CAST(object_id AS INTEGER) FROM sos.measurement",
        "SELECT CAST(40000 AS SMALLINT) FROM sos.star",
        "SELECT EXP(teff) FROM sos.star",
        "SELECT 9223372036854775807 + 1 FROM sos.star",
        "SELECT star_id FROM sos.star WHERE teff = 'warm'",
        "SELECT star_id FROM sos.star WHERE teff",
        "SELECT star_id FROM sos.star WHERE COUNT(*) > 1",
        "SELECT star_id, COUNT(*) FROM sos.star",
        "SELECT (SELECT star_id FROM sos.star) FROM sos.star",
        "SELECT object_id FROM sos.measurement UNION SELECT teff FROM sos.star",
        "SELECT DISTINCT star_id FROM sos.star ORDER BY teff",
        "SELECT " + ", ".join(["1"] * 2_000),
    ],
    ids=range(17),
)
def test_what_the_database_cannot_answer_is_an_error_of_the_query(queries: Queries, query: str):
    with pytest.raises(QueryError) as raised:
        ask(queries, query, seconds=1)
    assert 0 < len(str(raised.value)) < 1_000


def test_a_query_of_many_names_is_read_in_time():
    wide = ", ".join(f"1 AS c{n}" for n in range(1_600))
    many = ", ".join(f"a AS b{n}" for n in range(39))
    text = f"WITH a AS (SELECT {wide}) SELECT 1 AS x FROM {many} WHERE {' AND '.join(['b38.c1599 = 1'] * 1_500)}"
    begun = process_time()
    translate(text, tables())
    assert process_time() - begun < 10


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'DROP TABLE star; --' AS x, '''; SELECT pg_sleep(9)' AS y FROM sos.version WHERE version = 1",
        'SELECT 1 AS "x""; DROP TABLE star; --" FROM sos.version WHERE version = 1',
        'SELECT 1 AS "{x} %s %(y)s $1" FROM sos.version WHERE version = 1 -- ; DROP TABLE star',
        "SELECT '{0} %s %(x)s $1 \\' AS x FROM sos.version WHERE version = 1;",
        "SELECT '\\''; DROP TABLE star; --' AS x FROM sos.version WHERE version = 1",
        'SELECT 1 AS "select" FROM sos.version AS "from" WHERE "from".version = 1',
    ],
)
def test_texts_and_names_are_only_texts_and_names(queries: Queries, query: str):
    assert len(ask(queries, query)[1]) == 1


@pytest.mark.parametrize(
    ("query", "line", "column", "words"),
    [
        ("SELECT TOP 5 tef\nFROM sos.star", 1, 14, "there is no column 'tef': 'teff'"),
        ("SELECT star_id\nFROM sos.stars", 2, 6, "there is no table 'sos.stars': 'sos.star' or"),
        (
            "SELECT star_id\nFROM sos.star\nWHERE\n  s.teff > 1",
            4,
            3,
            "there is no table 's' after FROM; there are star",
        ),
        (
            "SELECT star_id FROM sos.star AS a, sos.star AS b",
            1,
            8,
            "a column of several tables: write the table before",
        ),
        ("SELECT COUNTS(*) FROM sos.star", 1, 8, "there is no function COUNTS: 'COUNT'"),
        ("SELECT ABS(1, 2) FROM sos.star", 1, 8, "ABS takes 1 argument(s), got 2"),
        ("SELECT ABS('x') FROM sos.star", 1, 12, "a number is needed here"),
        ("SELECT star_id FROM sos.star LIMIT 5", 1, 30, "write SELECT TOP n"),
        ("SELECT star_id FROM sos.star WHERE", 1, 30, "something is missing here"),
        ("SELECT star_id FROM sos.star ORDER BY 2", 1, 39, "there are columns 1 to 1, got 2"),
        ("SELECT star_id, ra FROM sos.star UNION SELECT star_id FROM sos.star", 1, 8, "2 and 1"),
        ("SELECT x FROM (SELECT 1 AS x)", 1, 23, "has a name: (SELECT ...) AS name"),
        ("SELECT a.star_id FROM sos.star a JOIN sos.star b", 1, 39, "JOIN has a condition"),
        ("SELECT 1 FROM sos.star, sos.star", 1, 25, "two tables 'star'"),
        ("SELECT star_id FROM sos.star WHERE star_id IN (SELECT star_id, ra FROM sos.star)", 1, 55, "has 2"),
        ("SELECT * FROM sos.star a JOIN sos.survey b USING (ra)", 1, 51, "not a column of both sides"),
        ("SELECT CAST(teff AS DATE) FROM sos.star", 1, 13, "CAST knows the types"),
        ("SELECT IN_UNIT(teff, 'm') FROM sos.star", 1, 8, "K is never so many 'm'"),
        ("SELECT IN_UNIT(star_id, 'm') FROM sos.star", 1, 8, "takes a column that has a unit"),
        ("SELECT *", 1, 8, "needs a table after FROM"),
    ],
)
def test_an_error_names_its_place_and_what_would_be_right(query: str, line: int, column: int, words: str):
    with pytest.raises(QueryError) as raised:
        translate(query, tables())
    assert words in raised.value.problem
    assert (raised.value.line, raised.value.column) == (line, column)
