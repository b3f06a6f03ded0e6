"""A simulated sky of ten blocks, observed once for all tests."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest

from app.science.mock import sky
from app.science.mock.biases import Truth
from app.science.mock.observations import Observations, State, observe_sky, plan
from app.science.mock.sky import Stars
from app.science.mock.surveys import SURVEYS, MockSurvey

SEED = 7
BLOCKS = 10
SIZE = 200_000


def merged(kind, parts):
    return kind(**{field.name: np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(kind)})


@dataclass(frozen=True)
class Seen:
    """A survey's rows and the stars behind them, row by row."""

    survey: MockSurvey
    rows: Observations
    stars: Stars

    @property
    def truth(self) -> np.ndarray:
        return np.stack([self.stars.teff, self.stars.logg, self.stars.feh], axis=1)

    @property
    def conditions(self) -> Truth:
        return Truth(self.stars.teff, self.stars.logg, self.stars.feh, self.stars.g)

    @property
    def residual(self) -> np.ndarray:
        return self.rows.values - self.truth

    @property
    def clean(self) -> np.ndarray:
        return (self.rows.state == State.GOOD) & ~self.rows.outlier


@dataclass(frozen=True)
class Sample:
    """All stars drawn, and each survey by its name."""

    stars: Stars
    surveys: dict[str, Seen]


def sample(blocks: int, *, bias: bool) -> Sample:
    rates = plan(SEED, SIZE)
    stars = [sky.draw_block(SEED, block) for block in range(blocks)]
    seen = [
        observe_sky(block, rates, np.random.SeedSequence(SEED, spawn_key=(2, i)), bias=bias)
        for i, block in enumerate(stars)
    ]
    return Sample(
        merged(Stars, stars),
        {
            survey.name: Seen(
                survey,
                merged(Observations, [part[survey.name] for part in seen]),
                merged(Stars, [block.take(part[survey.name].star) for block, part in zip(stars, seen, strict=True)]),
            )
            for survey in SURVEYS
        },
    )


@pytest.fixture(scope="session")
def mock_sky() -> Sample:
    """163,840 stars of a sky planned for 200,000, with biased surveys."""
    return sample(BLOCKS, bias=True)


@pytest.fixture(scope="session")
def null_sky() -> Sample:
    """49,152 stars of the same sky without biases."""
    return sample(3, bias=False)
