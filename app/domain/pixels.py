"""Parts of the sky as sets of HEALPix pixels (nested, ICRS): single pixels, and MOCs (IVOA MOC 2.0, ASCII and JSON)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.domain.errors import ParameterError
from app.domain.sky import Cone

FINEST_ORDER = 29
FACES = 12
FINEST_CONE = 12  # pixels of an arcminute; the formula for their radius loses digits with smaller ones
MOST_RANGES = 100_000

Range: TypeAlias = tuple[int, int]

_PIXEL = re.compile(r"s?(\d{1,2})/(\d{1,19})", re.ASCII)
_CELLS = re.compile(r"(\d{1,19})(?:-(\d{1,19}))?", re.ASCII)
_ORDER = re.compile(r"s?(\d{1,2})", re.ASCII)
_MOC_FORM = "a MOC such as '5/1-3 6/44' or '{\"5\": [1, 2, 3], \"6\": [44]}'"


@dataclass(frozen=True)
class PixelSet:
    """A set of pixels.

    Attributes:
        ranges: pixels of order 29 from the first to before the second, in order, apart from each other.
    """

    ranges: tuple[Range, ...]

    @classmethod
    def pixel(cls, text: str, parameter: str = "healpix") -> PixelSet:
        """Read one pixel, `order/pixel`.

        >>> PixelSet.pixel("29/7")
        PixelSet(ranges=((7, 8),))

        Raises:
            ParameterError: there is no such pixel.
        """
        found = _PIXEL.fullmatch(text.strip())
        if found is None:
            raise ParameterError(parameter, f"must be order/pixel such as 6/44 (nested, ICRS), got {text[:40]!r}")
        return cls((_range(int(found[1]), int(found[2]), int(found[2]), parameter),))

    @classmethod
    def moc(cls, text: str, parameter: str = "moc") -> PixelSet:
        """Read a MOC in its ASCII or its JSON form.

        >>> PixelSet.moc("28/0 29/4-6 12")
        PixelSet(ranges=((0, 7), (12, 13)))

        Raises:
            ParameterError: it is none, or has too many pieces.
        """
        stripped = text.strip()
        cells = _json_cells(stripped, parameter) if stripped.startswith("{") else _ascii_cells(stripped, parameter)
        merged = tuple(_merged(cells))
        if len(merged) > MOST_RANGES:
            problem = f"has {len(merged):,} separate pieces, more than the {MOST_RANGES:,} allowed; degrade its order"
            raise ParameterError(parameter, problem)
        return cls(merged)

    @classmethod
    def of_order(cls, order: int, pixels: Iterable[int]) -> PixelSet:
        """Return the set of these pixels of an order."""
        shift = 2 * (FINEST_ORDER - order)
        return cls(tuple(_merged((pixel << shift, (pixel + 1) << shift) for pixel in pixels)))

    def cells(self) -> dict[int, list[int]]:
        """Return the fewest pixels that make the set, by order.

        >>> PixelSet.moc("3/4-8").cells()
        {2: [1], 3: [8]}
        """
        found: dict[int, list[int]] = {}
        for start, end in self.ranges:
            first = start
            while first < end:
                # the largest pixel that begins here and does not reach beyond the end
                aligned = (first & -first).bit_length() - 1 >> 1 if first else FINEST_ORDER
                levels = min(aligned, (end - first).bit_length() - 1 >> 1, FINEST_ORDER)
                found.setdefault(FINEST_ORDER - levels, []).append(first >> 2 * levels)
                first += 1 << 2 * levels
        return {level: found[level] for level in sorted(found)}

    def ascii(self, order: int) -> str:
        """Return the set as a MOC of an order in its ASCII form."""
        cells = self.cells()
        parts = [f"{level}/{' '.join(_spans(pixels))}" for level, pixels in cells.items()]
        return " ".join(parts if order in cells else [*parts, f"{order}/"])

    @property
    def sky_fraction(self) -> float:
        """The part of the sphere that the set takes."""
        return sum(end - first for first, end in self.ranges) / (FACES << 2 * FINEST_ORDER)

    def cover(self, most: int) -> list[Cone]:
        """Return at most so many cones, or those of the twelve faces, that together hold the set."""
        ranges: Iterable[Range] = self.ranges
        order = FINEST_ORDER
        for coarser in range(FINEST_CONE, -1, -1):
            shift = 2 * (order - coarser)
            order = coarser
            ranges = tuple(_merged((first >> shift, ((end - 1) >> shift) + 1) for first, end in ranges))
            if sum(end - first for first, end in ranges) <= most:
                break
        radius = _largest_radius(order)
        return [Cone(*_centre(order, pixel), radius) for first, end in ranges for pixel in range(first, end)]


def _range(order: int, first: int, last: int, parameter: str) -> Range:
    if order > FINEST_ORDER:
        raise ParameterError(parameter, f"the order of a pixel is from 0 to {FINEST_ORDER}, got {order}")
    pixels = FACES << 2 * order
    if last >= pixels:
        raise ParameterError(parameter, f"pixels of order {order} are from 0 to {pixels - 1}, got {last}")
    if first > last:
        raise ParameterError(parameter, f"a range of pixels goes upwards, got {first}-{last}")
    shift = 2 * (FINEST_ORDER - order)
    return first << shift, (last + 1) << shift


def _spans(pixels: list[int]) -> Iterator[str]:
    for first, end in _merged((pixel, pixel + 1) for pixel in pixels):
        yield str(first) if end == first + 1 else f"{first}-{end - 1}"


def _ascii_cells(text: str, parameter: str) -> Iterator[Range]:
    order = None
    for word in text.replace(",", " ").split():
        before, slash, cells = word.rpartition("/")
        if slash:
            found = _ORDER.fullmatch(before)
            if found is None:
                raise ParameterError(parameter, f"must be {_MOC_FORM}, got {word[:40]!r}")
            order = int(found[1])
            if not cells:
                _range(order, 0, 0, parameter)  # an order without pixels says how fine the MOC is
                continue
        span = _CELLS.fullmatch(cells)
        if span is None or order is None:
            raise ParameterError(parameter, f"must be {_MOC_FORM}, got {word[:40]!r}")
        yield _range(order, int(span[1]), int(span[2] or span[1]), parameter)
    if order is None:
        raise ParameterError(parameter, f"must be {_MOC_FORM}, got nothing")


def _json_cells(text: str, parameter: str) -> Iterator[Range]:
    try:
        orders: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(parameter, f"must be {_MOC_FORM}, but it is no JSON: {error}") from error
    for name, cells in orders.items():
        found = _ORDER.fullmatch(name)
        if found is None or not isinstance(cells, list):
            raise ParameterError(parameter, f"must be {_MOC_FORM}, got {name[:40]!r}")
        for cell in cells:
            if type(cell) is not int or cell < 0:
                raise ParameterError(parameter, f"must be {_MOC_FORM}, got the pixel {str(cell)[:40]!r}")
            yield _range(int(found[1]), cell, cell, parameter)


def _merged(ranges: Iterable[Range]) -> Iterator[Range]:
    current: Range | None = None
    for first, end in sorted(ranges):
        if current is None:
            current = first, end
        elif first <= current[1]:
            current = current[0], max(current[1], end)
        else:
            yield current
            current = first, end
    if current is not None:
        yield current


def _largest_radius(order: int) -> float:
    """Return how far a corner of a pixel lies from its centre, in degrees, at most (Gorski et al. 2005, max_pixrad)."""
    side = 1 << order
    z, phi = 2.0 / 3.0, math.pi / (4 * side)
    other = 1.0 - (1.0 - 1.0 / side) ** 2 / 3.0
    cosine = math.sqrt((1 - z * z) * (1 - other * other)) * math.cos(phi) + z * other
    return math.degrees(math.acos(cosine)) * 1.001


def _centre(order: int, pixel: int) -> tuple[float, float]:
    """Return ra and dec of the middle of a pixel, in degrees (Gorski et al. 2005, ApJ 622, 759)."""
    side = 1 << order
    face, within = divmod(pixel, side * side)
    x = (_even_bits(within) + 0.5) / side
    y = (_even_bits(within >> 1) + 0.5) / side
    row, column = divmod(face, 4)
    ring = 2.0 + row - x - y  # from 0 at the north pole to 4 at the south pole
    if ring < 1.0:
        width, z = ring, 1.0 - ring * ring / 3.0
    elif ring > 3.0:
        width, z = 4.0 - ring, (4.0 - ring) ** 2 / 3.0 - 1.0
    else:
        width, z = 1.0, (2.0 - ring) * 2.0 / 3.0
    along = (2 * column + (row != 1)) * width + x - y
    return (45.0 * along / width) % 360.0, math.degrees(math.asin(z))


def _even_bits(number: int) -> int:
    return sum((number >> (2 * bit) & 1) << bit for bit in range(FINEST_ORDER))
