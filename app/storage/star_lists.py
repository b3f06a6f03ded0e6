"""Stars by a list of identifiers of any kind, in one query."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from app.domain.columns import Column
from app.domain.stars import GaiaSource, StarId, StarNumber, SurveyObject
from app.storage.queries import queries
from app.storage.reading import Connection
from app.storage.rendering import Rendering, partition, select_list
from app.storage.slices import catalogue_expression
from app.storage.statements import composed


def rows(
    connection: Connection, version: int, columns: tuple[Column, ...], asked: Mapping[int, tuple[str, StarId]]
) -> list[tuple[int, str]]:
    """Return the place in the list and the row, as a JSON object with the identifier in front, of each star found.

    Args:
        connection: to read from.
        version: a complete one.
        columns: of the catalogue, in the order of the answer.
        asked: identifiers by place: as the user wrote them, and what they name.
    """
    query = composed(
        "star_lists",
        "stars",
        version=sql.Literal(version),
        columns=select_list({column: catalogue_expression(column) for column in columns}, Rendering.JSON),
        homogenized=partition("homogenized", version),
        calibrated=partition("calibrated", version),
    )
    stars = [star for _, star in asked.values()]
    parameters = {
        "places": list(asked),
        "ids": [text for text, _ in asked.values()],
        "numbers": [star.number if isinstance(star, StarNumber) else None for star in stars],
        "gaia": [star.source_id if isinstance(star, GaiaSource) else None for star in stars],
        "surveys": [star.survey if isinstance(star, SurveyObject) else None for star in stars],
        "objects": [star.object_id if isinstance(star, SurveyObject) else None for star in stars],
    }
    return [(int(place), str(line)) for place, line in connection.execute(query, parameters)]


def survey_names(connection: Connection) -> set[str]:
    """Return the names of all surveys."""
    return {name for (name,) in connection.execute(queries("star_lists")["surveys"].encode())}
