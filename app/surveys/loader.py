"""Survey descriptors from TOML: the ones that come with SoS, and the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from astropy import units

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import DescriptorError, TableError, UnknownSurveyError
from app.domain.quantities import QUANTITIES
from app.domain.survey_columns import NumberColumn, ParameterColumn
from app.surveys.schema import build

_POSITION_UNITS = {"ra": "deg", "dec": "deg", "pm_ra_cosdec": "mas/yr", "pm_dec": "mas/yr"}


def load(path: Path) -> SurveyDescriptor:
    """Read and check one descriptor.

    Raises:
        DescriptorError: the file is not TOML, or a key is unknown, missing, or has an impossible value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DescriptorError(str(path), "file", f"cannot be read: {error}") from error
    return parse(text, path.name)


def parse(text: str, file: str) -> SurveyDescriptor:
    """Return the descriptor that a TOML text describes; `file` names it in errors.

    Raises:
        DescriptorError: as `load`.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DescriptorError(file, "TOML", str(error)) from error
    descriptor: SurveyDescriptor = replace(build(SurveyDescriptor, values, file=file), source=file)
    _check_units(descriptor)
    _check_optional(descriptor)
    return descriptor


@cache
def builtin() -> tuple[SurveyDescriptor, ...]:
    """Return the descriptors that come with SoS, by file name."""
    folder = files("app.surveys")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(parse((folder / name).read_text(encoding="utf-8"), name) for name in names)


def known(folder: Path | None = None) -> tuple[SurveyDescriptor, ...]:
    """Return the user's descriptors (every `*.toml` of a folder) and the built-in ones that these do not replace."""
    return with_builtin(own(folder) if folder else ())


def own(folder: Path) -> tuple[SurveyDescriptor, ...]:
    """Return the descriptors in a folder (every `*.toml`), none where it does not exist."""
    return tuple(load(path) for path in sorted(folder.glob("*.toml"))) if folder.is_dir() else ()


def with_builtin(others: Sequence[SurveyDescriptor]) -> tuple[SurveyDescriptor, ...]:
    """Return some descriptors and the built-in ones, less those of the same name and format."""
    replaced = {(one.name, one.format) for one in others}
    return tuple(others) + tuple(one for one in builtin() if (one.name, one.format) not in replaced)


def by_name(name: str, descriptors: Sequence[SurveyDescriptor] | None = None) -> tuple[SurveyDescriptor, ...]:
    """Return every format of a survey.

    Raises:
        UnknownSurveyError: there is no descriptor of this name.
    """
    descriptors = builtin() if descriptors is None else descriptors
    found = tuple(one for one in descriptors if one.name == name)
    if not found:
        names = sorted({one.name for one in descriptors})
        near = get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
        raise UnknownSurveyError(f"no survey is called {name!r}; {hint}")
    return found


def recognise(
    columns: Iterable[str], file_name: str, descriptors: Sequence[SurveyDescriptor] | None = None
) -> SurveyDescriptor:
    """Return the descriptor whose columns a table has: the most specific one, then the one whose file pattern fits.

    Raises:
        TableError: no descriptor fits, or more than one does.
    """
    descriptors = builtin() if descriptors is None else descriptors
    names = list(columns)
    best = fitting(names, file_name, descriptors)
    if not best:
        raise TableError(file_name, _why_none(set(names), descriptors))
    if len(best) > 1:
        choices = " and ".join(f"{one.name} ({one.format})" for one in best)
        raise TableError(file_name, f"its columns fit {choices}: name the survey")
    return best[0]


def fitting(
    columns: Iterable[str], file_name: str, descriptors: Sequence[SurveyDescriptor]
) -> tuple[SurveyDescriptor, ...]:
    """Return the descriptors that fit a table best: none, one, or those among which only the user can choose."""
    present = set(columns)
    found = [one for one in descriptors if _fits(one, present)]
    found = [one for one in found if not any(_more_specific(other, one) for other in found)]
    named = [one for one in found if _name_fits(one, file_name)]
    return tuple(named or found)


def _fits(descriptor: SurveyDescriptor, present: set[str]) -> bool:
    return present.issuperset(descriptor.required_columns()) and present.isdisjoint(descriptor.file.absent)


def _more_specific(one: SurveyDescriptor, other: SurveyDescriptor) -> bool:
    return set(one.required_columns()) > set(other.required_columns())


def _name_fits(descriptor: SurveyDescriptor, file_name: str) -> bool:
    return any(Path(file_name).match(pattern) for pattern in descriptor.file.patterns)


def _why_none(present: set[str], descriptors: Sequence[SurveyDescriptor]) -> str:
    if not descriptors:
        return "no survey descriptor is known"
    nearest = min(descriptors, key=lambda one: len(set(one.required_columns()) - present) / len(one.required_columns()))
    lacking = [name for name in nearest.required_columns() if name not in present]
    found = [name for name in nearest.file.absent if name in present]
    problem = f"it lacks the column(s) {', '.join(lacking)}" if lacking else f"it has {', '.join(found)} too"
    return f"no survey has these columns; nearest is {nearest.name} ({nearest.format}), but {problem}"


def _check_units(descriptor: SurveyDescriptor) -> None:
    position, magnitudes, parameters = descriptor.position, descriptor.magnitudes, descriptor.parameters
    for key, wanted in _POSITION_UNITS.items():
        _check_unit(descriptor.source, f"position.{key}.unit", getattr(position, key), wanted)
    for key in ("g", "bp", "rp", "k"):
        _check_unit(descriptor.source, f"magnitudes.{key}.unit", getattr(magnitudes, key), "mag")
    for parameter, column in parameters.given().items():
        _check_unit(descriptor.source, f"parameters.{parameter}.unit", column, QUANTITIES[parameter].unit)


def _check_unit(file: str, key: str, column: NumberColumn | ParameterColumn | None, wanted: str) -> None:
    unit = column.unit if column else None
    if unit is None:
        return
    try:
        units.Unit(unit).to(units.Unit(wanted))
    except (ValueError, TypeError) as error:
        raise DescriptorError(file, key, f"must be a unit like {wanted}, got {unit!r}") from error


def _check_optional(descriptor: SurveyDescriptor) -> None:
    position = descriptor.position
    needed = {descriptor.object_id.column, position.from_tmass}
    for column in (position.ra, position.dec):
        needed |= set(column.columns()) if column else set()
    for name in descriptor.file.optional:
        if name in needed:
            raise DescriptorError(
                descriptor.source, "file.optional", f"{name} holds the id or position: never optional"
            )
        if name not in descriptor.mapped_columns():
            raise DescriptorError(descriptor.source, "file.optional", f"{name} is not mapped to anything")
