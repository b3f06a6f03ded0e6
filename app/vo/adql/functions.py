"""The functions of ADQL 2.1 and what each is in PostgreSQL; there are no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.errors import QueryError
from app.domain.fields import Datatype
from app.vo.adql.values import Value


@dataclass(frozen=True)
class Function:
    """A function: how many arguments it takes, whether they are numbers, and what it becomes."""

    fewest: int
    most: int
    write: Callable[[Sequence[Value]], Value]
    numbers: bool = True


def _double(pattern: str) -> Callable[[Sequence[Value]], Value]:
    """Return a function whose arguments and value are in double precision."""
    return lambda values: Value(pattern.format(*(value.double for value in values)), Datatype.DOUBLE)


def _one(name: str) -> Function:
    return Function(1, 1, _double(f"{name}({{}})"))


def _two(name: str) -> Function:
    return Function(2, 2, _double(f"{name}({{}}, {{}})"))


def _absolute(values: Sequence[Value]) -> Value:
    return Value(f"abs({values[0].sql})", values[0].datatype, unit=values[0].unit)


def _modulo(values: Sequence[Value]) -> Value:
    if all(value.datatype is not None and value.datatype.whole for value in values):
        return Value(f"mod({values[0].sql}, {values[1].sql})", widest(values))
    dividend, divisor = values
    return Value(f"mod({_decimal(dividend)}, {_decimal(divisor)})::float8", Datatype.DOUBLE)


def _decimal(value: Value) -> str:
    """Return a number with all of its digits; `::numeric` alone keeps 15 of them."""
    return f"{value.double}::text::numeric"


def _to_digits(name: str) -> Callable[[Sequence[Value]], Value]:
    """Return a function that keeps so many digits after the point, none unless the second argument says so.

    What lies in the middle goes away from zero, however many digits are kept.
    """

    def write(values: Sequence[Value]) -> Value:
        digits = f"{values[1].sql}::int" if len(values) > 1 else "0"
        return Value(f"{name}({_decimal(values[0])}, {digits})::float8", Datatype.DOUBLE)

    return write


def _text(name: str) -> Function:
    return Function(1, 1, lambda values: replace(values[0], sql=f"{name}({values[0].sql})", field=None), numbers=False)


def _coalesce(values: Sequence[Value]) -> Value:
    listed = ", ".join(value.sql for value in values)
    longest = max(value.longest for value in values)
    return Value(f"coalesce({listed})", widest(values), unit=values[0].unit, longest=longest)


def _pi(_: Sequence[Value]) -> Value:
    return Value("pi()", Datatype.DOUBLE)


def _random(_: Sequence[Value]) -> Value:
    return Value("random()", Datatype.DOUBLE)


FUNCTIONS: Mapping[str, Function] = {
    "ABS": Function(1, 1, _absolute),
    "CEILING": _one("ceil"),
    "DEGREES": _one("degrees"),
    "EXP": _one("exp"),
    "FLOOR": _one("floor"),
    "LOG": _one("ln"),
    "LOG10": _one("log"),
    "MOD": Function(2, 2, _modulo),
    "PI": Function(0, 0, _pi),
    "POWER": _two("power"),
    "RADIANS": _one("radians"),
    "RAND": Function(0, 0, _random),
    "ROUND": Function(1, 2, _to_digits("round")),
    "SQRT": _one("sqrt"),
    "TRUNCATE": Function(1, 2, _to_digits("trunc")),
    "ACOS": _one("acos"),
    "ASIN": _one("asin"),
    "ATAN": _one("atan"),
    "ATAN2": _two("atan2"),
    "COS": _one("cos"),
    "COT": _one("cot"),
    "SIN": _one("sin"),
    "TAN": _one("tan"),
    "LOWER": _text("lower"),
    "UPPER": _text("upper"),
    "COALESCE": Function(1, 100, _coalesce, numbers=False),
}


def _sum(value: Value, distinct: str) -> Value:
    if value.datatype is not None and value.datatype.whole:
        return Value(f"sum({distinct}{value.sql})::int8", Datatype.LONG, unit=value.unit)
    return Value(f"sum({distinct}{value.double})", Datatype.DOUBLE, unit=value.unit)


def _average(value: Value, distinct: str) -> Value:
    return Value(f"avg({distinct}{value.double})", Datatype.DOUBLE, unit=value.unit)


def _extreme(name: str) -> Callable[[Value, str], Value]:
    return lambda value, distinct: Value(
        f"{name}({distinct}{value.sql})", value.datatype, unit=value.unit, longest=value.longest
    )


def _count(value: Value, distinct: str) -> Value:
    return Value(f"count({distinct}{value.sql})", Datatype.LONG)


AGGREGATES: Mapping[str, Callable[[Value, str], Value]] = {
    "AVG": _average,
    "COUNT": _count,
    "MAX": _extreme("max"),
    "MIN": _extreme("min"),
    "SUM": _sum,
}


def in_unit(value: Value, unit: str) -> Value:
    """Return a value in another unit; its own is that of the column it is.

    Raises:
        QueryError: the value has no known unit, or one that no factor turns into the other.
    """
    from astropy import units  # noqa: PLC0415 - takes a second, and few queries ask for it

    if value.unit is None:
        raise QueryError("IN_UNIT takes a column that has a unit")
    try:
        factor = units.Unit(value.unit, format="vounit").to(units.Unit(unit, format="vounit"))
    except (ValueError, TypeError, units.UnitsError):
        raise QueryError(f"{value.unit} is never so many {unit!r}") from None
    return Value(f"({value.double} * {float(factor)!r}::float8)", Datatype.DOUBLE, unit=unit)


def widest(values: Sequence[Value]) -> Datatype | None:
    """Return the datatype that holds all values, where it is known."""
    kinds = {value.datatype for value in values}
    if len(kinds) == 1:
        return kinds.pop()
    if all(kind is not None and kind.numeric for kind in kinds):
        return max((kind for kind in kinds if kind), key=_WIDTHS.index)
    return Datatype.UNICODE if Datatype.UNICODE in kinds else None


_WIDTHS = (Datatype.SHORT, Datatype.INT, Datatype.LONG, Datatype.FLOAT, Datatype.DOUBLE)
