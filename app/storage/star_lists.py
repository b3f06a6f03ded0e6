"""Stars by lists, of identifiers of any kind or of positions, in one query each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection as Session

from app.domain.columns import Column
from app.domain.stars import GaiaSource, StarId, StarNumber, SurveyObject
from app.storage import sky
from app.storage.engine import driver_connection
from app.storage.queries import queries
from app.storage.reading import Connection
from app.storage.rendering import Rendering, partition, select_list
from app.storage.slices import catalogue_expression
from app.storage.statements import composed

Columns = dict[str, NDArray[Any]]


def rows(
    connection: Connection, version: int, columns: tuple[Column, ...], ids: Sequence[str], asked: Mapping[int, StarId]
) -> list[tuple[int, str]]:
    """Return the place in the list and the row, as a JSON object with the identifier in front, of each star found.

    Args:
        connection: to read from.
        version: a complete one.
        columns: of the catalogue, in the order of the answer.
        ids: the whole list, as the user wrote it.
        asked: what identifiers name, by their place in the list; those that can be read.
    """
    query = composed("star_lists", "stars", **_parts(version, columns, Rendering.JSON), named=_named(version))
    found = connection.execute(query, {"ids": list(ids), **_identifiers(asked)})
    return [(int(place), str(line)) for place, line in found]


def rows_named(session: Session, version: int, columns: tuple[Column, ...], asked: Mapping[int, StarId]) -> Columns:
    """Return the stars that identifiers name as arrays: `place`, and the columns; arguments as for `rows`."""
    query = composed("star_lists", "rows_named", **_parts(version, columns), named=_named(version))
    return _arrays(session, query, _identifiers(asked))


def rows_near(
    session: Session, version: int, columns: tuple[Column, ...], places: Mapping[str, NDArray[Any]], radius: float
) -> Columns:
    """Return the nearest star to each position that has one within the radius.

    Args:
        session: to read from.
        version: a complete one.
        columns: of the catalogue.
        places: arrays `places` (numbers of the positions), `ra` and `dec` in degrees.
        radius: degrees.

    Returns:
        Arrays `place`, `separation_arcsec`, `n_candidates` (stars within the radius) and the columns.
    """
    query = composed("star_lists", "rows_near", **_parts(version, columns), joined=sql.SQL(sky.JOINED))
    by_zone = np.lexsort((places["ra"], np.floor(places["dec"])))  # as stars are stored: neighbours are read together
    lists = {name: values[by_zone] for name, values in places.items()}
    return _arrays(session, query, lists | {"radius": radius})


def survey_names(connection: Connection) -> set[str]:
    """Return the names of all surveys."""
    return {name for (name,) in connection.execute(queries("star_lists")["surveys"].encode())}


def _arrays(session: Session, query: sql.Composed, parameters: Mapping[str, object]) -> Columns:
    from app.storage.bulk import copy_out  # noqa: PLC0415 - compiled code, which the service does not load at its start

    return copy_out(session, query.as_string(driver_connection(session)), parameters)


def _parts(
    version: int, columns: tuple[Column, ...], rendering: Rendering = Rendering.NATIVE
) -> dict[str, sql.Composable]:
    return {
        "version": sql.Literal(version),
        "columns": select_list({column: catalogue_expression(column) for column in columns}, rendering),
        "homogenized": partition("homogenized", version),
    }


def _named(version: int) -> sql.Composed:
    tables = {name: partition(name, version) for name in ("homogenized", "calibrated")}
    return composed("star_lists", "named", version=sql.Literal(version), **tables)


def _identifiers(asked: Mapping[int, StarId]) -> dict[str, list[Any]]:
    stars = asked.values()
    return {
        "places": list(asked),
        "numbers": [star.number if isinstance(star, StarNumber) else None for star in stars],
        "gaia": [star.source_id if isinstance(star, GaiaSource) else None for star in stars],
        "surveys": [star.survey if isinstance(star, SurveyObject) else None for star in stars],
        "objects": [star.object_id if isinstance(star, SurveyObject) else None for star in stars],
    }
