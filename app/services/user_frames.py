"""Users' tables as a survey's measurements: numbers in our units, what cannot be a star's taken out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from app.domain.conversions import ERRORS, MAGNITUDES
from app.domain.quantities import PARAMETERS, QUANTITIES
from app.science.arrays import Booleans
from app.science.calibration.frame import Frame
from app.services.user_columns import numbers

BRIGHTEST, FAINTEST = -5.0, 40.0
"""Of magnitudes; beyond are the numbers that tables write for missing ones."""


def frame_of_table(table: pa.Table, columns: Mapping[str, str]) -> Frame:
    """Return the rows of a table (n); a row lacks a parameter, or has a value that no star has, where it is not `used`.

    Args:
        table: as it was read.
        columns: names of its columns by what they hold.

    Raises:
        ParameterError: a value is no number; names column and row.
    """
    n = table.num_rows
    given = {role: numbers(table, name, role) for role, name in columns.items()}
    nothing = np.full(n, np.nan)
    values = np.column_stack([given[role] for role in PARAMETERS])
    lowest, highest = np.array([(QUANTITIES[role].lowest, QUANTITIES[role].highest) for role in PARAMETERS]).T
    values = np.where((values >= lowest) & (values <= highest), values, np.nan)
    errors = np.column_stack([given.get(role, nothing) for role in ERRORS])
    errors = np.where(errors >= 0, errors, np.nan)
    magnitudes = np.column_stack([given.get(role, nothing) for role in MAGNITUDES])
    return Frame(
        star=np.arange(n),
        split=np.zeros(n, dtype=np.int64),
        reported=values,
        minus=errors,
        plus=errors,
        used=np.isfinite(values),
        snr=given.get("snr", nothing),
        magnitudes=np.where((magnitudes > BRIGHTEST) & (magnitudes < FAINTEST), magnitudes, np.nan),
        number=np.arange(1, n + 1),
    )


def without_value(frame: Frame) -> list[tuple[str, Booleans]]:
    """Return, by reason, which rows (n,) cannot be calibrated for what they lack: each row under its first reason."""
    found, left = [], np.ones(len(frame.star), dtype=bool)
    for p, role in enumerate(PARAMETERS):
        quantity = QUANTITIES[role]
        lacking = left & ~frame.used[:, p]
        limits = f"{quantity.lowest:g} to {quantity.highest:g}"
        found.append((f"{quantity.symbol} is missing, or outside of {limits} {quantity.unit}", lacking))
        left &= ~lacking
    return found
