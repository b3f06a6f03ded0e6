"""How many stars of a version each two surveys have in common, and where on the sky a survey has its own."""

from __future__ import annotations

from collections import Counter
from itertools import product

from psycopg import sql

from app.domain.pixels import FINEST_ORDER
from app.storage import sky
from app.storage.reading import Connection
from app.storage.rendering import partition
from app.storage.statements import composed


def common_stars(connection: Connection, version: int) -> Counter[tuple[int, int]]:
    """Return the number of common stars by pair of survey numbers, both ways round; (s, s) counts the stars of s."""
    parts = {"calibrated": partition("calibrated", version), "version": sql.Literal(version)}
    query = composed("overlaps", "seen_together", **parts)
    common: Counter[tuple[int, int]] = Counter()
    for surveys, n_stars in connection.execute(query):
        for pair in product(surveys, surveys):
            common[pair] += n_stars
    return common


def pixels(connection: Connection, version: int, survey_id: int, order: int) -> list[int]:
    """Return the nested HEALPix pixels of an order in which a survey has stars of a version."""
    query = composed(
        "overlaps",
        "pixels",
        pixel=sky.PIXEL,
        shift=sql.Literal(2 * (FINEST_ORDER - order)),
        homogenized=partition("homogenized", version),
        calibrated=partition("calibrated", version),
        version=sql.Literal(version),
        survey_id=sql.Literal(survey_id),
    )
    return [int(cell) for (cell,) in connection.execute(query)]
