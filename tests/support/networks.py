"""Skies of invented surveys whose zero points and slopes are known exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.calibration.frame import Frame
from app.science.calibration.scale import ReferenceScale
from tests.support.links import giants

NOISE = np.array([60.0, 0.12, 0.06])
SCALE_NOISE = np.array([25.0, 0.04, 0.02])
CENTRE = np.array([4700.0, 2.1, -0.4])


@dataclass(frozen=True)
class Weak:
    """A survey: its constants, the slopes of each parameter with itself, and the stars that it saw."""

    offset: tuple[float, float, float]
    stars: Integers
    slope: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise: Floats = field(default_factory=lambda: NOISE)
    quoted: bool = True

    def bias(self, truth: Floats) -> Floats:
        """Return the bias (n, 3) at true parameters (n, 3)."""
        return np.array(self.offset) + np.array(self.slope) * (truth - CENTRE)


def weak_sky(
    surveys: dict[str, Weak], known: Integers, *, seed: int
) -> tuple[dict[str, Frame], ReferenceScale, Floats]:
    """Return frames, the scale, which knows the stars `known`, and the truth by star number, (m, 3)."""
    rng = np.random.default_rng(seed)
    last = 1 + max(int(weak.stars.max()) for weak in surveys.values())
    truth = giants(max(last, 1 + int(known.max()) if len(known) else last), seed=seed + 1)
    frames = {name: _frame(weak, truth, rng) for name, weak in surveys.items()}
    scale = ReferenceScale.of(np.arange(len(truth)))
    value = truth[known] + SCALE_NOISE * rng.normal(size=(len(known), 3))
    scale.add(known, value, np.tile(SCALE_NOISE, (len(known), 1)), np.ones((len(known), 3), dtype=bool))
    return frames, scale, truth


def _frame(weak: Weak, truth: Floats, rng: np.random.Generator) -> Frame:
    n, seen = len(weak.stars), truth[weak.stars]
    errors = np.tile(weak.noise if weak.quoted else np.full(3, np.nan), (n, 1))
    return Frame(
        star=weak.stars,
        split=np.zeros(n, dtype=np.int64),
        reported=seen + weak.bias(seen) + weak.noise * rng.normal(size=(n, 3)),
        minus=errors,
        plus=errors,
        used=np.ones((n, 3), dtype=bool),
        snr=np.full(n, np.nan),
        magnitudes=np.full((n, 2), np.nan),
    )
