"""The split of stars into training, conformalization and test: a hash of the star's identity, nothing else."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

TRAIN, CONFORMALIZE, TEST = 0, 1, 2
TRAIN_SHARE, CONFORMALIZE_SHARE = 0.6, 0.2

_EDGES = (TRAIN_SHARE, TRAIN_SHARE + CONFORMALIZE_SHARE)
_FNV_START, _FNV_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


def split_of(identities: pa.Array | npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """Return 0 (train, 60 %), 1 (conformalize, 20 %) or 2 (test, 20 %) for each star, the same on every machine, ever.

    The identity's UTF-8 bytes are hashed by FNV-1a to 64 bits, whose bits splitmix64's finalizer mixes (FNV alone keeps
    neighbouring names close together); the upper 53 bits are a fraction of one.

    Args:
        identities: (n,) texts, each naming a star.

    Returns:
        (n,) int8.

    >>> split_of(np.array(["gaia:604906737317927296", "gaia:604917732434325248", "lamost_lrs:75606117"])).tolist()
    [0, 0, 1]
    """
    texts = identities if isinstance(identities, pa.Array) else pa.array(identities)
    texts = texts.cast(pa.large_utf8())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    letters = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    fraction = _fractions(offsets, letters)
    split: npt.NDArray[np.int8] = np.searchsorted(_EDGES, fraction, side="right").astype(np.int8)
    return split


@numba.njit(cache=True, nogil=True)
def _fractions(offsets: Any, letters: Any) -> Any:
    fractions = np.empty(len(offsets) - 1, np.float64)
    for i in range(len(fractions)):
        value = _FNV_START
        for k in range(offsets[i], offsets[i + 1]):
            value = (value ^ np.uint64(letters[k])) * _FNV_PRIME
        value ^= value >> np.uint64(30)
        value *= np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(27)
        value *= np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(31)
        fractions[i] = np.float64(value >> np.uint64(11)) * 2.0**-53
    return fractions
