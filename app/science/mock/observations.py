"""What the surveys report: each survey's rows for a block of stars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from app.science.arrays import Booleans, Floats, Integers
from app.science.mock import biases, noise, sky
from app.science.mock.biases import Truth
from app.science.mock.selection import MOST_VISITS, Links
from app.science.mock.sky import Stars
from app.science.mock.surveys import SURVEYS, MockSurvey


class State(IntEnum):
    """What became of a spectrum."""

    GOOD = 0
    PILED_UP = 1
    DOUBTFUL = 2
    LOST = 3


@dataclass(frozen=True)
class Observations:
    """The rows of one survey for some stars.

    Attributes:
        star: (n,) row of the star among the stars observed, never falling.
        visit: (n,) 0 for a star's first spectrum, then 1, 2, ...
        snr: (n,) S/N.
        values: (n, 3) reported Teff, log g, [Fe/H].
        quoted: (n, 3) quoted errors, positive.
        state: (n,) `State`: good, snapped to the model grid, doubtful (values far off), lost (no values).
        outlier: (n,) an unresolved binary, which reads too cool, too large and too metal-poor.
    """

    star: Integers
    visit: Integers
    snr: Floats
    values: Floats
    quoted: Floats
    state: Integers
    outlier: Booleans

    def __len__(self) -> int:
        return len(self.star)

    def take(self, rows: Booleans) -> Observations:
        """Return the rows that `rows` (n,) selects."""
        return Observations(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def plan(seed: int, stars: int) -> dict[str, Links]:
    """Return the chances of the small surveys on a sky of `stars` stars, planned on a block outside of every sky."""
    pilot = sky.draw_block(seed, sky.PILOT_BLOCK)
    large = [survey for survey in SURVEYS if survey.links is None]
    seen = {survey.name: survey.selection.probability(pilot) for survey in large}
    direct = seen[SURVEYS[0].name]
    missed = np.prod([1.0 - chance for chance in seen.values()], axis=0)
    rates = {}
    for survey in SURVEYS:
        if survey.links is not None:
            eligible = survey.selection.probability(pilot)
            shares = Links(*(float(np.mean(eligible * part)) for part in (direct, 1.0 - direct - missed, missed)))
            rates[survey.name] = survey.links.rates(shares, stars)
    return rates


def observe_sky(
    stars: Stars, rates: Mapping[str, Links], entropy: np.random.SeedSequence, *, bias: bool = True
) -> dict[str, Observations]:
    """Return what each survey reports of `stars`; each survey has a seed of its own.

    Args:
        stars: a block of the sky.
        rates: the plan of the small surveys.
        entropy: seed of this block.
        bias: False gives the null sky, where no survey is biased.
    """
    seen: dict[str, Observations] = {}
    in_apogee = in_any = np.zeros(len(stars), dtype=np.bool_)
    for number, survey in enumerate(SURVEYS):
        rng = np.random.default_rng(np.random.SeedSequence(entropy.entropy, spawn_key=(*entropy.spawn_key, number)))
        chance = survey.selection.probability(stars)
        if survey.links is not None:
            chance = chance * rates[survey.name].chance(in_apogee, in_any)
        chosen = rng.random(len(stars)) < chance
        seen[survey.name] = observe(rng, stars, chosen, survey, bias=bias)
        if survey.links is None:
            in_any = in_any | chosen
            in_apogee = chosen if number == 0 else in_apogee
    return seen


def observe(
    rng: np.random.Generator, stars: Stars, chosen: Booleans, survey: MockSurvey, *, bias: bool
) -> Observations:
    """Return a survey's rows for the chosen stars."""
    star, visit = _visits(rng, chosen, survey.repeats)
    seen = stars.take(star)
    truth = Truth(seen.teff, seen.logg, seen.feh, seen.g)
    snr = survey.signal.draw(rng, seen)
    size = survey.noise(truth, snr)
    errors = noise.draw(rng, seen.logg, teff_feh=survey.teff_feh, degrees_of_freedom=survey.degrees_of_freedom)
    values = np.stack([seen.teff, seen.logg, seen.feh], axis=1) + (survey.bias if bias else biases.none)(truth)
    values = values + size * noise.skewed(errors, survey.skew) + _binary_shift(rng, seen.binary)
    quoted = size * np.array(survey.quoted) * np.exp(0.08 * rng.standard_normal(size.shape))
    state = _states(rng, len(star), survey)
    values = _spoil(rng, values, size, state, survey)
    if survey.faint_faults:
        snr = np.where(state == State.DOUBTFUL, 5.0 + 8.0 * rng.random(len(star)), snr)
    return Observations(star, visit, snr, values, quoted, state, seen.binary)


def _visits(rng: np.random.Generator, chosen: Booleans, repeats: float) -> tuple[Integers, Integers]:
    further = rng.geometric(1.0 - repeats, len(chosen)) - 1
    times = np.where(chosen, 1 + np.minimum(further, MOST_VISITS - 1), 0)
    star = np.repeat(np.arange(len(chosen)), times)
    first = np.cumsum(times) - times
    return star, np.arange(len(star)) - first[star]


def _binary_shift(rng: np.random.Generator, binary: Booleans) -> Floats:
    """One-sided: cooler by 150 K and more, log g and [Fe/H] lower by 0.1 and more, all by one exponential draw."""
    strength = 1.0 + rng.standard_exponential(len(binary))
    shift: Floats = -(binary * strength)[:, None] * np.array([150.0, 0.10, 0.12])
    return shift


def _states(rng: np.random.Generator, n: int, survey: MockSurvey) -> npt.NDArray[np.int64]:
    piled = survey.pile_up.share if survey.pile_up else 0.0
    edges = np.cumsum([survey.lost, survey.doubtful, piled])
    kinds = np.array([State.LOST, State.DOUBTFUL, State.PILED_UP, State.GOOD])
    return kinds[np.searchsorted(edges, rng.random(n), side="right")].astype(np.int64)


def _spoil(rng: np.random.Generator, values: Floats, size: Floats, state: Integers, survey: MockSurvey) -> Floats:
    far_off = values + size * (3.0 + 2.0 * rng.standard_normal(values.shape))
    spoiled = np.where((state == State.DOUBTFUL)[:, None], far_off, values)
    if survey.pile_up is not None:
        steps = np.array(survey.pile_up.steps)
        spoiled = np.where((state == State.PILED_UP)[:, None], np.rint(spoiled / steps) * steps, spoiled)
    return np.where((state == State.LOST)[:, None], np.nan, spoiled)
