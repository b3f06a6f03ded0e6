"""Quality cuts of a descriptor, applied to the rows of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.domain.cuts import Cut, Unknown
from app.domain.errors import TableError
from app.domain.quantities import PARAMETERS
from app.surveys.cells import Cells, Mask

_LIMITS = {"minimum": np.less, "above": np.less_equal, "maximum": np.greater, "below": np.greater_equal}


def failed(cells: Cells, cut: Cut) -> Mask:
    """Tell which rows (n,) fail a cut; a cut on an optional column that the table lacks fails none.

    Raises:
        TableError: the column does not hold what the cut looks at.
    """
    if not cells.has(cut.column):
        return np.zeros(len(cells), np.bool_)
    bad, unknown = _text_test(cells, cut) if cut.is_text else _number_test(cells, cut)
    return np.where(unknown, cut.missing == Unknown.FAIL, bad) & _concerned(cells, cut)


def excluded_parameters(
    cuts: Sequence[Cut], failures: Sequence[Mask], rows: int
) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return for each row (n,) a bit for each parameter that a failed cut excludes: 0 Teff, 1 log g, 2 [Fe/H]."""
    excluded = np.zeros(rows, np.int16)
    for cut, bad in zip(cuts, failures, strict=True):
        mask = sum(1 << PARAMETERS.index(parameter) for parameter in set(cut.parameters))
        excluded |= np.where(bad, mask, 0).astype(np.int16)
    return excluded


def _concerned(cells: Cells, cut: Cut) -> Mask:
    if cut.only is None:
        return np.ones(len(cells), np.bool_)
    values = cells.numbers(cut.only.column)
    lowest = -np.inf if cut.only.minimum is None else cut.only.minimum
    highest = np.inf if cut.only.maximum is None else cut.only.maximum
    with np.errstate(invalid="ignore"):
        return np.asarray((values >= lowest) & (values <= highest))


def _number_test(cells: Cells, cut: Cut) -> tuple[Mask, Mask]:
    if cut.bits is not None:
        return _bits_test(cells, cut, cut.bits)
    values = cells.numbers(cut.column)
    unknown = np.isnan(values)
    if cut.equals is not None:
        return values != float(cut.equals), unknown
    if cut.not_in is not None:
        return np.isin(values, [float(one) for one in cut.not_in]), unknown
    key = next(key for key in _LIMITS if getattr(cut, key) is not None)
    with np.errstate(invalid="ignore"):
        return _LIMITS[key](values, getattr(cut, key)), unknown


def _bits_test(cells: Cells, cut: Cut, bits: Sequence[int]) -> tuple[Mask, Mask]:
    values = cells.column(cut.column)
    if not pa.types.is_integer(values.type):
        raise TableError(
            cells.file, f"whole numbers are needed to test bits, the file has {values.type}", column=cut.column
        )
    unknown = np.isnan(cells.numbers(cut.column))
    plain = np.asarray(values.fill_null(0))
    # As unsigned of the same width, so that the highest bit of a 32-bit flag is bit 31 and not a sign.
    unsigned = plain.view(np.dtype(f"u{plain.dtype.itemsize}")).astype(np.uint64)
    wanted = np.uint64(sum(1 << bit for bit in set(bits)))
    return (unsigned & wanted) != 0, unknown


def _text_test(cells: Cells, cut: Cut) -> tuple[Mask, Mask]:
    texts = cells.texts(cut.column)
    unknown = ~np.asarray(texts.is_valid())
    if cut.characters is not None:
        passes = pc.match_substring_regex(texts, _pattern(cut))
    elif cut.equals is not None:
        passes = pc.equal(texts, pa.scalar(str(cut.equals), pa.large_string()))
    else:
        forbidden = pa.array([str(one) for one in cut.not_in or ()], pa.large_string())
        passes = pc.invert(pc.is_in(texts, forbidden))
    return ~np.asarray(passes.fill_null(False)), unknown


def _pattern(cut: Cut) -> str:
    assert cut.characters is not None
    first, last = cut.characters.first, cut.characters.last
    return f"^.{{{first}}}[{re.escape(cut.characters.allowed)}]{{{last - first + 1}}}"
