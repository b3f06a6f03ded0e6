"""Stars: where to find one, and which surveys have how many in common."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from sqlalchemy import Connection

from app.domain.errors import UnknownStarError
from app.domain.stars import GaiaSource, Overlap, StarId, StarNumber
from app.storage.queries import queries


def find(connection: Connection, star: StarId) -> int:
    """Return the number of the star that an identifier names.

    Raises:
        UnknownStarError: there is none.
    """
    if isinstance(star, StarNumber):
        name, parameters = "by_number", {"number": str(star.number)}
    elif isinstance(star, GaiaSource):
        name, parameters = "by_gaia", {"source_id": str(star.source_id)}
    else:
        name, parameters = "by_object", {"survey": star.survey, "object_id": star.object_id}
    number = connection.exec_driver_sql(queries("stars")[name], parameters).scalar_one_or_none()
    if number is None:
        raise UnknownStarError(f"there is no star {star}")
    return int(number)


def overlaps(connection: Connection) -> tuple[Overlap, ...]:
    """Return how many stars each two surveys have in common, the most first; pairs without any are left out."""
    common: Counter[tuple[str, str]] = Counter()
    for surveys, n_stars in connection.exec_driver_sql(queries("stars")["seen_together"]):
        for pair in combinations(surveys, 2):
            common[pair] += n_stars
    ordered = sorted(common.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Overlap(first, second, n_stars) for (first, second), n_stars in ordered)
