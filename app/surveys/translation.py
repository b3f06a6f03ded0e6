"""Rows of a survey's table as measurements in our columns and units, and the rows that cannot be one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import TableError
from app.domain.quantities import QUANTITIES, Parameter
from app.domain.survey_columns import NumberColumn
from app.surveys.cells import Cells, Floats, Mask, column_exists, unit_factor
from app.surveys.identifiers import coordinates, gaia_ids, object_ids, tmass_designations
from app.surveys.measured import correlated, measured
from app.surveys.quality import excluded_parameters, failed

Column: TypeAlias = NDArray[Any] | pa.Array

REASONS = (
    "",
    "no object identifier",
    "no position",
    "position out of range: RA must be from 0 to 360 degrees and Dec from -90 to 90",
    "no Teff, log g or [Fe/H] in its physical range",
)
"""Why a row cannot be a measurement; the first means that it can."""

_BRIGHTEST, _FAINTEST = -5.0, 40.0


@dataclass(frozen=True)
class Translation:
    """Some rows of a table: columns of the measurements, which rows they are, and why the others are none.

    `reasons` (n,) are places in `REASONS`.
    """

    columns: dict[str, Column]
    reasons: NDArray[np.int8]

    @property
    def kept(self) -> Mask:
        """Which rows (n,) are measurements."""
        return np.asarray(self.reasons == 0)


@dataclass(frozen=True)
class Translator:
    """A descriptor applied to one table; the table's columns and units are checked once.

    Raises:
        TableError: the table lacks a column, or has it in a unit of another kind.
    """

    descriptor: SurveyDescriptor
    file: str
    schema: pa.Schema
    factors: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._check_columns()
        object.__setattr__(self, "factors", dict(self._unit_factors()))

    def translate(self, batch: pa.RecordBatch, first_row: int) -> Translation:
        """Return the measurements in a batch whose first row has this number in the file (counted from 1).

        Raises:
            TableError: a cell holds what no survey can mean: a damaged identifier, or text where a number belongs.
        """
        cells = Cells(self.file, batch, first_row, self.descriptor.missing)
        names = object_ids(cells, self.descriptor.object_id)
        designations = self._designations(cells)
        ra, dec = self._position(cells, designations)
        parameters = measured(cells, self.descriptor.parameters, self._parameter_factors())
        reasons = _reasons(names, ra, dec, [one.value for one in parameters.values()])
        columns: dict[str, Column] = {"object_id": names, **self._identifiers(cells, designations)}
        columns |= {"ra": np.where(ra == 360.0, 0.0, ra), "dec": dec, "epoch_jyear": self._epoch(cells)}
        columns |= self._plain_numbers(cells)
        for name, one in parameters.items():
            columns |= {name.value: one.value, f"{name}_err_lower": one.err_lower, f"{name}_err_upper": one.err_upper}
        columns |= correlated(cells, self.descriptor.correlations, parameters)
        columns |= self._quality(cells)
        columns["row_number"] = np.arange(first_row, first_row + len(cells))
        return _split(columns, reasons)

    def _check_columns(self) -> None:
        lacking = [name for name in self.descriptor.required_columns() if not column_exists(name, self.schema)]
        if lacking:
            what = f"{self.descriptor.name} ({self.descriptor.format})"
            present = ", ".join(self.schema.names[:12]) + (", ..." if len(self.schema.names) > 12 else "")
            raise TableError(self.file, f"{what} needs the column(s) {', '.join(lacking)}; the table has {present}")

    def _unit_factors(self) -> Iterable[tuple[str, float]]:
        position, magnitudes = self.descriptor.position, self.descriptor.magnitudes
        numbers: list[tuple[str, NumberColumn | None, str]] = [
            ("ra", position.ra, "deg"),
            ("dec", position.dec, "deg"),
            ("pm_ra_cosdec_masyr", position.pm_ra_cosdec, "mas/yr"),
            ("pm_dec_masyr", position.pm_dec, "mas/yr"),
            *((f"{band}_mag", getattr(magnitudes, band), "mag") for band in ("g", "bp", "rp", "k")),
        ]
        for key, number, wanted in numbers:
            for name in number.columns() if number else ():
                if column_exists(name, self.schema):
                    assert number is not None
                    yield f"{key}:{name}", unit_factor(self.file, name, self.schema, number.unit, wanted)
        for parameter, column in self.descriptor.parameters.given().items():
            unit = QUANTITIES[parameter].unit
            yield parameter.value, unit_factor(self.file, column.column, self.schema, column.unit, unit)

    def _parameter_factors(self) -> dict[Parameter, float]:
        return {name: self.factors[name.value] for name in self.descriptor.parameters.given()}

    def _designations(self, cells: Cells) -> pa.Array | None:
        position, tmass = self.descriptor.position, self.descriptor.ids.tmass
        name = position.from_tmass or (tmass.column if tmass else None)
        return tmass_designations(cells, name) if name and cells.has(name) else None

    def _position(self, cells: Cells, designations: pa.Array | None) -> tuple[Floats, Floats]:
        position = self.descriptor.position
        if position.ra is None or position.dec is None:
            assert designations is not None
            return coordinates(designations)
        return self._number(cells, "ra", position.ra), self._number(cells, "dec", position.dec)

    def _number(self, cells: Cells, key: str, number: NumberColumn) -> Floats:
        """Return the first known value of the columns that a number may stand in."""
        values = np.full(len(cells), np.nan)
        for name in number.columns():
            if cells.has(name):
                factor = self.factors.get(f"{key}:{name}", 1.0)
                values = np.where(np.isnan(values), cells.numbers(name) * factor, values)
        return values

    def _identifiers(self, cells: Cells, designations: pa.Array | None) -> dict[str, Column]:
        ids = self.descriptor.ids
        found: dict[str, Column] = {}
        for key, identifier in (("gaia_dr3", ids.gaia_dr3), ("gaia_dr2", ids.gaia_dr2)):
            if identifier is not None and cells.has(identifier.column):
                found[key] = gaia_ids(cells, identifier)
        if ids.tmass is not None and designations is not None:
            found["tmass"] = designations
        return found

    def _epoch(self, cells: Cells) -> Floats:
        position = self.descriptor.position
        constant = np.full(len(cells), position.epoch_jyear)
        if position.epoch_column is None or not cells.has(position.epoch_column):
            return constant
        given = cells.numbers(position.epoch_column)
        return np.where(np.isnan(given), constant, given)

    def _plain_numbers(self, cells: Cells) -> dict[str, Column]:
        position, magnitudes = self.descriptor.position, self.descriptor.magnitudes
        found: dict[str, Column] = {}
        for key, number in (("pm_ra_cosdec_masyr", position.pm_ra_cosdec), ("pm_dec_masyr", position.pm_dec)):
            if number is not None:
                found[key] = self._number(cells, key, number)
        for band in ("g", "bp", "rp", "k"):
            number = getattr(magnitudes, band)
            if number is not None:
                values = self._number(cells, f"{band}_mag", number)
                with np.errstate(invalid="ignore"):
                    found[f"{band}_mag"] = np.where((values > _BRIGHTEST) & (values < _FAINTEST), values, np.nan)
        if self.descriptor.snr is not None:
            values = self._number(cells, "snr", self.descriptor.snr)
            with np.errstate(invalid="ignore"):
                found["snr"] = np.where(values > 0, values, np.nan)
        return found

    def _quality(self, cells: Cells) -> dict[str, Column]:
        cuts = self.descriptor.cut
        failures = [failed(cells, cut) for cut in cuts]
        numbers = np.zeros(len(cells), np.int64)
        for number, bad in enumerate(failures):
            numbers |= np.where(bad, np.int64(1) << number, 0)
        return {"excluded": excluded_parameters(cuts, failures, len(cells)), "failed_cuts": numbers}


def _reasons(names: pa.Array, ra: Floats, dec: Floats, values: list[Floats]) -> NDArray[np.int8]:
    """Return for each row (n,) the place in `REASONS` of why it cannot be a measurement, 0 where it can."""
    nothing = np.logical_and.reduce([np.isnan(value) for value in values])
    with np.errstate(invalid="ignore"):
        outside = ~((ra >= 0) & (ra <= 360) & (dec >= -90) & (dec <= 90))
    nowhere = np.isnan(ra) | np.isnan(dec)
    nameless = ~np.asarray(names.is_valid())
    return np.select([nameless, nowhere, outside, nothing], [1, 2, 3, 4]).astype(np.int8)


def _split(columns: dict[str, Column], reasons: NDArray[np.int8]) -> Translation:
    kept = reasons == 0
    if kept.all():
        return Translation(columns, reasons)
    selected = {
        name: values.filter(pa.array(kept)) if isinstance(values, pa.Array) else values[kept]
        for name, values in columns.items()
    }
    return Translation(selected, reasons)
