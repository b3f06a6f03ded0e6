"""The sky in SQL: the one file that knows q3c, the extension, and its stand-in made of core PostgreSQL.

Both have the same functions; what differs is how they come into a database and which index they read. Why, and how
fast, stands in docs/decisions/0004-sky-index.md.

Conditions and queries here are about the indexed columns `ra`, `dec` and take degrees. The role that asks them reads
with `READING_OPTIONS`: one generic plan per statement (planning costs more than the search itself), never in parallel.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import asin, cos, degrees, radians, sin
from typing import Any

import psycopg
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from app.domain.pixels import PixelSet
from app.domain.polygons import Polygon
from app.domain.regions import Region
from app.domain.sky import Cone
from app.storage.engine import driver_connection
from app.storage.queries import queries
from app.storage.statements import composed, identifier

READING_OPTIONS = "-c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0"

WIDEST_CIRCLE_DEG = 179.99
"""A wider circle is asked for its distances alone: near the opposite place the index's formula has no digits left."""

_NEAR = {
    True: "(q3c_radial_query({ra}, {dec}, {other_ra}, {other_dec}, {reach}) AND {distance} {comparison} {radius})",
    False: "(q3c_join({other_ra}, {other_dec}, {ra}, {dec}, {reach}) AND {distance} {comparison} {radius})",
}
# The index is asked for a little more than the distance lets in: the two formulas differ in the last digit.
_REACH = "least({radius}, 180) + 1e-9"


def separation_deg(ra: str, dec: str, other_ra: str, other_dec: str) -> str:
    """Return the expression for the distance of two positions, each given by expressions in degrees."""
    return f"q3c_dist({ra}, {dec}, {other_ra}, {other_dec})"


def near(place: tuple[str, str], other: tuple[str, str], comparison: str, radius: str, *, constant: bool) -> str:
    """Return the condition that two positions are nearer than a radius, as an index on the first one answers it.

    Args:
        place: expressions for `ra` and `dec`, the indexed columns if there are such.
        other: expressions for the other position.
        comparison: `<` or `<=`.
        radius: expression for the radius in degrees.
        constant: the other position does not change from row to row.
    """
    return _NEAR[constant].format(
        ra=place[0],
        dec=place[1],
        other_ra=other[0],
        other_dec=other[1],
        reach=_REACH.format(radius=radius),
        distance=separation_deg(*place, *other),
        comparison=comparison,
        radius=radius,
    )


_CENTRE = ("%(ra)s::float8", "%(dec)s::float8")
IN_CONE = near(("ra", "dec"), _CENTRE, "<=", "%(radius)s::float8", constant=True)
IN_WIDE_CONE = f"{separation_deg('ra', 'dec', *_CENTRE)} <= %(radius)s::float8"
SEPARATION_ARCSEC = f"3600 * {separation_deg('ra', 'dec', *_CENTRE)}"
JOINED = near(("h.ra", "h.dec"), ("list.ra", "list.dec"), "<=", "%(radius)s::float8", constant=False)
IN_POLYGON = "q3c_poly_query(ra, dec, %(corners)s::float8[])"

STARS_IN_CONE = """
SELECT homogenized.*, 3600 * q3c_dist(ra, dec, %(ra)s::float8, %(dec)s::float8) AS separation_arcsec
FROM homogenized
WHERE version_id = %(version_id)s::int AND {in_cone}
ORDER BY separation_arcsec, star_id
LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint
""".replace("{in_cone}", IN_CONE)

MOST_BOXES = 128
PADDING_DEG = 1e-9
WIDEST_SEARCH = 0.25  # of the sky; the index saves nothing in a wider one

CELLS_PER_RADIUS = 16
SMALLEST_CELL_DEG = 1 / 60

PIXEL = composed("sky", "pixel")
_IN_BOXES = sql.SQL("point(ra, dec) <@ ANY ({}::box[])")
_INDEXED = {
    True: sql.SQL("CREATE INDEX {index} ON {table} (q3c_ang2ipix(ra, dec))"),
    False: sql.SQL("CREATE INDEX {index} ON {table} USING spgist (point(ra, dec))"),
}
_HAS_EXTENSION = "SELECT count(*) > 0 FROM pg_extension WHERE extname = 'q3c'"
_OFFERS_EXTENSION = "SELECT count(*) > 0 FROM pg_available_extensions WHERE name = 'q3c'"


def in_cone(radius_deg: float) -> str:
    """Return the condition that the columns `ra`, `dec` lie in a circle of such a radius; its rim belongs to it."""
    return IN_WIDE_CONE if radius_deg > WIDEST_CIRCLE_DEG else IN_CONE


def in_polygon(ra: str, dec: str, corners: str) -> str:
    """Return the condition that a position lies in a polygon, given as an expression for `float8[]`."""
    return f"q3c_poly_query({ra}, {dec}, {corners})"


def install(connection: Connection, *, functions: str) -> None:
    """Give the database q3c's functions: the extension where the server has it and lets us, `functions` elsewhere.

    Args:
        connection: in whose transaction this happens.
        functions: SQL that creates functions of the same names.
    """
    if not _create_extension(driver_connection(connection)):
        driver_connection(connection).execute(functions.encode())


def uninstall(connection: Connection, *, functions: str) -> None:
    """Undo `install` with the SQL that drops the functions; an extension stays, it may be others' too."""
    if not uses_extension(connection):
        driver_connection(connection).execute(functions.encode())


def uses_extension(connection: Connection) -> bool:
    """Say whether this database has the q3c extension."""
    return _says(driver_connection(connection), _HAS_EXTENSION)


def sky_index_sql(table: str, *, extension: bool) -> sql.Composed:
    """Return the statement that indexes the positions `ra`, `dec` of a table."""
    return _INDEXED[extension].format(index=sql.Identifier(f"ix_{table}_sky"), table=sql.Identifier(table))


def create_sky_index(connection: Connection, table: str) -> None:
    """Index the positions `ra`, `dec` of a table: fastest after its rows are in, and in sky order."""
    driver_connection(connection).execute(sky_index_sql(table, extension=uses_extension(connection)))


def inside(region: Region) -> sql.Composable:
    """Return the condition that the columns `ra`, `dec` lie in a region, its numbers as literals."""
    match region:
        case Cone(ra, dec, radius):
            return _filled(in_cone(radius), ra=ra, dec=dec, radius=radius)
        case Polygon(corners):
            return _filled(IN_POLYGON, corners=[number for corner in corners for number in corner])
        case PixelSet():
            return _in_pixels(region)


def _filled(condition: str, **values: float | list[float]) -> sql.Composed:
    return sql.SQL(condition.replace("%(", "{").replace(")s", "}")).format(**values)


def _in_pixels(pixels: PixelSet) -> sql.Composed:
    """Search the boxes around the pixels by the index (where it is q3c's, by the exact condition alone)."""
    written = ",".join(f"[{first},{end})" for first, end in pixels.ranges)
    exact = composed("sky", "in_pixels", pixel=PIXEL, ranges=sql.Literal(f"{{{written}}}"))
    if pixels.sky_fraction > WIDEST_SEARCH:
        return sql.Composed([exact])
    boxes = [box for cone in pixels.cover(MOST_BOXES) for box in _boxes(cone)]
    return _IN_BOXES.format(sql.Literal(f"{{{';'.join(boxes)}}}")) + sql.SQL(" AND ") + exact


def _boxes(cone: Cone) -> Iterator[str]:
    """Yield the boxes that hold a circle, on both sides of RA 0 (the migration's `sky_boxes`)."""
    bottom, top = cone.dec - cone.radius - PADDING_DEG, cone.dec + cone.radius + PADDING_DEG
    if abs(cone.dec) + cone.radius >= 89.9999:
        yield f"(0,{bottom}),(360,{top})"
        return
    half = degrees(asin(sin(radians(cone.radius)) / cos(radians(cone.dec)))) + PADDING_DEG
    for turn in (-360, 0, 360):
        left, right = cone.ra - half + turn, cone.ra + half + turn
        if right >= 0 and left <= 360:
            yield f"({left},{bottom}),({right},{top})"


def pairs_within_radius(
    connection: Connection, left: str, right: str, radius_arcsec: float, *, left_id: str = "id", right_id: str = "id"
) -> dict[str, NDArray[Any]]:
    """Return every pair of rows of two tables with `ra`, `dec` that are closer than a radius below 45 degrees.

    One set-based join, ahead of an index where both sides are large; for a small left side join by `q3c_join`.

    Args:
        connection: to read from; joins of this transaction are by hash from now on.
        left: table.
        right: table.
        radius_arcsec: of the circle around each left row.
        left_id: integer column that names the rows of the left table.
        right_id: the same of the right table.

    Returns:
        Arrays `left_id`, `right_id` and `separation_arcsec`.
    """
    from app.storage.bulk import copy_out  # noqa: PLC0415 - compiled code, which services that only read never load

    names = {"left": identifier(left), "right": identifier(right)}
    ids = {"left_id": sql.Identifier(left_id), "right_id": sql.Identifier(right_id)}
    query = composed("sky", "pairs_within_radius", **names, **ids).as_string(driver_connection(connection))
    connection.exec_driver_sql(queries("sky")["hash_joins"])
    cells = int(360 / max(CELLS_PER_RADIUS * radius_arcsec / 3600, SMALLEST_CELL_DEG))
    return copy_out(connection, query, {"radius_arcsec": radius_arcsec, "cells": max(cells, 1)})


def _create_extension(driver: psycopg.Connection[Any]) -> bool:
    if not _says(driver, _OFFERS_EXTENSION):
        return False
    try:
        with driver.transaction():
            driver.execute("CREATE EXTENSION IF NOT EXISTS q3c")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _says(driver: psycopg.Connection[Any], question: str) -> bool:
    row = driver.execute(question.encode()).fetchone()
    return row is not None and bool(row[0])
