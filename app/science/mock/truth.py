"""What really is: the true parameters behind every row that a survey publishes."""

from __future__ import annotations

import numpy as np

from app.science.mock.observations import Observations
from app.science.mock.sky import Stars
from app.science.mock.tables.columns import Column, Table, Values

COLUMNS = (
    Column("survey", "S12", "", "Name of the survey"),
    Column("object_id", "S20", "", "The survey's own identifier of the row"),
    Column("true_star", "i8", "", "Number of the star in the simulated sky"),
    Column("teff", "f8", "K", "True effective temperature"),
    Column("logg", "f8", "dex", "True surface gravity"),
    Column("feh", "f8", "dex", "True [Fe/H]"),
    Column("outlier", "?", "", "Whether the star is an unresolved binary, read wrongly on one side"),
)


def rows(table: Table, published: Values, sky: Stars, seen: Observations) -> Values:
    """Return the truth of a survey's rows, one for each identifier: repeats under one name are said once."""
    names = published[table.object_id]
    _, first = np.unique(names, return_index=True)
    first = np.sort(first)
    stars = sky.take(seen.star[first])
    return {
        "survey": np.full(len(first), table.survey.encode()),
        "object_id": names[first].astype("S20"),
        "true_star": stars.number,
        "teff": stars.teff,
        "logg": stars.logg,
        "feh": stars.feh,
        "outlier": seen.outlier[first],
    }
