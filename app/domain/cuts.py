"""Quality cuts: which rows of a survey are shown but not used, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.quantities import PARAMETERS, Parameter

Scalar = int | float | str | bool


class Unknown(StrEnum):
    """What a quality cut says of a row that has no value in the cut's column."""

    FAIL = "fail"
    PASS = "pass"  # noqa: S105 - a verdict, not a password


@dataclass(frozen=True)
class Characters:
    """Characters `first` to `last` (counted from 0) of a text flag that must all be among `allowed`."""

    first: int
    last: int
    allowed: str

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"first: must be 0 or more and not beyond last, got {self.first} and {self.last}")
        if not self.allowed:
            raise ValueError("allowed: name the characters that pass, such as '0'")


@dataclass(frozen=True)
class Range:
    """Rows whose value in a column lies from `minimum` to `maximum`; one end may be open."""

    column: str
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        if self.minimum is None and self.maximum is None:
            raise ValueError("minimum: give minimum, maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError(f"minimum: must be below maximum, got {self.minimum} and {self.maximum}")


@dataclass(frozen=True)
class Cut:
    """A quality cut. A row that fails is stored and shown, but its `parameters` are not used.

    Exactly one test: `bits` (none of these bits, counted from 0, is set), `equals`, `minimum`, `maximum` (inclusive),
    `above`, `below` (exclusive), `not_in`, or `characters` of a text flag. `missing` says whether a row without a value
    fails (the default) or passes. With `only`, rows outside that range pass.
    """

    name: str
    column: str
    reason: str
    bits: tuple[int, ...] | None = None
    equals: Scalar | None = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    not_in: tuple[Scalar, ...] | None = None
    characters: Characters | None = None
    parameters: tuple[Parameter, ...] = PARAMETERS
    missing: Unknown = Unknown.FAIL
    only: Range | None = None

    TESTS = ("bits", "equals", "minimum", "maximum", "above", "below", "not_in", "characters")

    def __post_init__(self) -> None:
        given = [test for test in self.TESTS if getattr(self, test) is not None]
        if len(given) != 1:
            raise ValueError(f"{(given or ['equals'])[-1]}: give exactly one of {', '.join(self.TESTS)}, got {given}")
        if self.bits is not None and not all(0 <= bit < 64 for bit in self.bits):
            raise ValueError(f"bits: bits are counted from 0 to 63, got {list(self.bits)}")
        if not self.parameters:
            raise ValueError("parameters: name at least one of teff, logg, feh, or leave the key out for all")

    @property
    def is_text(self) -> bool:
        """Whether the column has to be read as text."""
        texts = (self.characters is not None, isinstance(self.equals, str))
        return any(texts) or any(isinstance(value, str) for value in self.not_in or ())
