"""The identity of each star: the text that names it whatever survey comes first, and that never changes again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.domain.stars import GAIA, TMASS
from app.science.arrays import Booleans, Floats, Integers

_NO_SEPARATOR = pa.scalar("", pa.large_utf8())


def collected(
    blocks: Iterable[Mapping[str, np.ndarray[Any, Any]]], measurement_id: Integers, row: Integers
) -> pa.Array:
    """Return the names (m,) of rows, null where the row is -1 or the blocks do not name it.

    Args:
        blocks: of `measurement_id` and `name`, in any order.
        measurement_id: (n,) of each row.
        row: (m,) the wanted rows.
    """
    wanted = np.flatnonzero(row >= 0)
    if len(wanted) == 0:
        return pa.nulls(len(row), pa.large_utf8())
    wanted = wanted[np.argsort(measurement_id[row[wanted]], kind="stable")]
    ids = measurement_id[row[wanted]]
    places, names = [np.zeros(0, np.int64)], [pa.array([], pa.large_utf8())]
    for block in blocks:
        place = np.searchsorted(ids, block["measurement_id"])
        found = np.flatnonzero(np.append(ids, 0)[place] == block["measurement_id"])
        places.append(wanted[place[found]])
        names.append(pa.array(block["name"][found], pa.large_utf8()))
    return _spread(pa.concat_arrays(names), np.concatenate(places), len(row))


def new_identities(
    gaia_dr3: Integers,
    tmass: pa.Array,
    objects: pa.Array,
    ra: Floats,
    dec: Floats,
    taken: pa.Array,
    elsewhere: Callable[[pa.Array], pa.Array] = lambda names: names.slice(0, 0),
) -> pa.Array:
    """Return an identity (m,) for each new star: the first of its names that no other star has.

    These are its Gaia DR3 id, its 2MASS designation, its first survey object, and the object with its position, behind
    which stands a number where that is another star's too.

    Args:
        gaia_dr3: (m,) source id, 0 for none.
        tmass: (m,) 2MASS designation or null.
        objects: (m,) `SURVEY:OBJECT`.
        ra: (m,) in degrees.
        dec: (m,) in degrees.
        taken: identities that other stars have.
        elsewhere: returns what other stars, not among these, are called that begins with one of some names.

    >>> new_identities(np.array([7, 0]), pa.array([None, None], pa.large_utf8()), pa.array(["a:1", "a:2"]),
    ...                np.zeros(2), np.zeros(2), pa.array([], pa.large_utf8())).to_pylist()
    ['gaia:7', 'a:2']
    """
    left = np.arange(len(gaia_dr3))
    places, names = [], []
    for name, unique in ((_gaia_names(gaia_dr3), True), (_joined(f"{TMASS}:", tmass), False), (objects, False)):
        candidates = name.take(left).cast(pa.large_utf8())
        usable = _usable(candidates, taken, unique=unique)
        places.append(left[usable])
        names.append(candidates.filter(pa.array(usable)))
        left = left[~usable]
    places.append(left)
    placed = _with_place(objects.take(left), ra[left], dec[left])
    names.append(_numbered(placed, {*taken.to_pylist(), *elsewhere(placed).to_pylist()} if len(left) else set()))
    return _spread(pa.concat_arrays(names), np.concatenate(places), len(gaia_dr3))


def _gaia_names(gaia_dr3: Integers) -> pa.Array:
    numbers = pa.array(gaia_dr3, mask=gaia_dr3 == 0).cast(pa.large_utf8())
    return _joined(f"{GAIA}:", numbers)


def _joined(prefix: str, names: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(prefix, pa.large_utf8()), names.cast(pa.large_utf8()), _NO_SEPARATOR)


def _usable(names: pa.Array, taken: pa.Array, *, unique: bool) -> Booleans:
    """Say which names (m,) are known and no other star's; `unique` ones differ among themselves."""
    usable = pc.and_(names.is_valid(), pc.invert(pc.is_in(names, taken)))
    if not unique:
        counts = pc.value_counts(names)
        shared = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
        usable = pc.and_(usable, pc.invert(pc.is_in(names, shared)))
    return np.asarray(usable, np.bool_)


def _with_place(objects: pa.Array, ra: Floats, dec: Floats) -> pa.Array:
    places = [f"@{a:.6f}{d:+.6f}" for a, d in zip(ra.tolist(), dec.tolist(), strict=True)]
    return pc.binary_join_element_wise(objects.cast(pa.large_utf8()), pa.array(places, pa.large_utf8()), _NO_SEPARATOR)


def _numbered(names: pa.Array, taken: set[str]) -> pa.Array:
    """Return names with a number behind those that are taken, or stand before in the list."""
    found: list[str] = []
    for name in names.to_pylist():
        one = next(one for one in chain([name], (f"{name}#{number}" for number in count(2))) if one not in taken)
        taken.add(one)
        found.append(one)
    return pa.array(found, pa.large_utf8())


def _spread(names: pa.Array, places: Integers, n: int) -> pa.Array:
    """Return n names, those given at their places and null elsewhere."""
    source = np.zeros(n, np.int64)
    known = np.zeros(n, np.bool_)
    source[places], known[places] = np.arange(len(places)), True
    return names.take(pa.array(source, mask=~known))
