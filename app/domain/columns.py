"""The columns of the two tables that SoS serves: names, kinds, units, UCDs and meanings, in the order of a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import ParameterError
from app.domain.quantities import QUANTITIES, Quantity

ORIGINAL_PREFIX = "orig_"


class Kind(StrEnum):
    """What a column holds; `ID` is a 64-bit integer, which JSON carries as a string."""

    ID = "id"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True)
class Column:
    """A column of a served table; `known_unit` says whether FITS and VOUnits know the unit, dex aside."""

    name: str
    kind: Kind
    description: str
    unit: str | None = None
    ucd: str | None = None
    known_unit: bool = True

    @property
    def standard_unit(self) -> str | None:
        """The unit where FITS and VOUnits know it; they know no dex."""
        return None if self.unit == "dex" or not self.known_unit else self.unit

    @property
    def full_description(self) -> str:
        """The description, with the unit where `standard_unit` leaves it out."""
        return self.description if self.unit == self.standard_unit else f"{self.description} ({self.unit})"


def _interval(quantity: Quantity, of_what: str, name: str) -> tuple[Column, Column, Column]:
    """Return a value and the ends of its 68 % interval."""
    meaning, unit, ucd = (
        f"{of_what} {quantity.description[0].lower()}{quantity.description[1:]}",
        quantity.unit,
        quantity.ucd,
    )
    return (
        Column(name, Kind.REAL, meaning, unit, f"{ucd};meta.main" if of_what == "Homogenized" else ucd),
        Column(f"{name}_lower", Kind.REAL, f"{meaning}: lower end of the 68 % interval", unit, f"{ucd};stat.min"),
        Column(f"{name}_upper", Kind.REAL, f"{meaning}: upper end of the 68 % interval", unit, f"{ucd};stat.max"),
    )


def _homogenized(quantity: Quantity) -> tuple[Column, ...]:
    name = quantity.parameter.value
    return (
        *_interval(quantity, "Homogenized", name),
        Column(f"{name}_n", Kind.INTEGER, f"Number of measurements combined into {name}", None, "meta.number"),
        Column(f"{name}_chi2", Kind.REAL, f"Chi squared of the combination of {name}", None, "stat.fit.chi2"),
        Column(f"{name}_flags", Kind.INTEGER, f"Quality flags of {name}, a bit mask", None, "meta.code.qual"),
    )


def _calibrated(quantity: Quantity) -> tuple[Column, ...]:
    name = quantity.parameter.value
    return (*_interval(quantity, "Survey's", f"{name}_raw"), *_interval(quantity, "Calibrated", name))


_STAR_ID = Column("star_id", Kind.ID, "Number of the star in this version", None, "meta.id")
_RA = Column("ra", Kind.REAL, "Right ascension, ICRS", "deg", "pos.eq.ra;meta.main")
_DEC = Column("dec", Kind.REAL, "Declination, ICRS", "deg", "pos.eq.dec;meta.main")

CATALOG: tuple[Column, ...] = (
    Column("star_id", Kind.ID, "Number of the star in this version", None, "meta.id;meta.main"),
    Column("gaia_dr3_source_id", Kind.ID, "Gaia DR3 source id", None, "meta.id.cross"),
    _RA,
    _DEC,
    *(column for quantity in QUANTITIES.values() for column in _homogenized(quantity)),
    Column("g_mag", Kind.REAL, "Gaia G magnitude", "mag", "phot.mag;em.opt"),
    Column("bp_mag", Kind.REAL, "Gaia BP magnitude", "mag", "phot.mag;em.opt.B"),
    Column("rp_mag", Kind.REAL, "Gaia RP magnitude", "mag", "phot.mag;em.opt.R"),
    Column("k_mag", Kind.REAL, "2MASS Ks magnitude", "mag", "phot.mag;em.IR.K"),
    Column("version", Kind.INTEGER, "Calibration version", None, "meta.version"),
)

SEPARATION = Column("separation_arcsec", Kind.REAL, "Distance from the cone's centre", "arcsec", "pos.angDistance")

MEASUREMENTS: tuple[Column, ...] = (
    Column("survey", Kind.TEXT, "Name of the survey", None, "meta.id;meta.curation"),
    Column("object_id", Kind.TEXT, "The survey's own id", None, "meta.id;meta.main"),
    _STAR_ID,
    _RA,
    _DEC,
    Column("snr", Kind.REAL, "Signal-to-noise ratio", None, "stat.snr"),
    Column("split", Kind.TEXT, "Part of the star in calibration: train, conformalize or test", None, "meta.code"),
    Column("in_domain", Kind.BOOLEAN, "Whether the correction was learnt on such stars", None, "meta.code.qual"),
    *(column for quantity in QUANTITIES.values() for column in _calibrated(quantity)),
)


def choose(known: Iterable[Column], names: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the columns of these names, in this order; all of them where no name is given.

    Raises:
        ParameterError: a name is unknown, or given twice.
    """
    by_name = {column.name: column for column in known}
    for place, name in enumerate(names):
        if name not in by_name:
            raise ParameterError("columns", f"there is no column {name!r}; there are {', '.join(by_name)}")
        if name in names[:place]:
            raise ParameterError("columns", f"{name!r} is asked for twice")
    return tuple(by_name[name] for name in names) or tuple(by_name.values())
