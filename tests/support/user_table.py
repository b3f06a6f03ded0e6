"""A user's table of the stars of an invented universe, with a bias and noise that are known exactly."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.science.arrays import Floats, Integers
from tests.support.ingested import FIRST_GAIA
from tests.support.links import giants

NOISE = np.array([70.0, 0.15, 0.06])
BEYOND = 100
"""Stars that the table has and the universe does not."""


def bias_of(truth: Floats) -> Floats:
    """Return the bias (n, 3) at true Teff, log g, [Fe/H] (n, 3): offsets and slopes unlike any survey's."""
    teff, logg, feh = truth.T
    return np.column_stack([90 - 0.06 * (teff - 4700), -0.25 + 0.10 * (logg - 2.1), 0.12 + 0.15 * (feh + 0.4)])


def truth_of(star: Integers, *, stars: int) -> Floats:
    """Return the true parameters (n, 3) of stars of the universe of `tests.support.ingested`, and of some beyond it."""
    return np.concatenate([giants(stars, seed=1), giants(BEYOND, seed=9)])[star]


def columns_of(star: Integers, *, stars: int, seed: int = 8, errors: bool = True) -> dict[str, object]:
    """Return the columns of a table of some stars, with their Gaia ids and positions half an arcsecond off."""
    truth = truth_of(star, stars=stars)
    rng = np.random.default_rng(seed)
    values = truth + bias_of(truth) + NOISE * rng.normal(size=truth.shape)
    columns: dict[str, object] = {
        "name": [f"row {number}" for number in star],
        "source_id": FIRST_GAIA + star,
        "RAJ2000": star * 0.2,
        "DEJ2000": star * 0.1 - 70.0 + 0.5 / 3600,
        "Teff": values[:, 0],
        "logg": values[:, 1],
        "[Fe/H]": values[:, 2],
    }
    if errors:
        columns |= {
            name: np.full(len(star), noise) for name, noise in zip(("e_Teff", "e_logg", "e_FeH"), NOISE, strict=True)
        }
    return columns | {"remark": ["é" if number % 2 else None for number in star]}


def parquet(columns: dict[str, object]) -> bytes:
    """Return a Parquet file."""
    kept = io.BytesIO()
    pq.write_table(pa.table(columns), kept)
    return kept.getvalue()
