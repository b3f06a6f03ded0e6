"""The spectra of weakly linked surveys as one table: a row for each star and survey, and what the scale knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.frame import Frame
from app.science.calibration.links import TEST
from app.science.calibration.scale import ReferenceScale


@dataclass(frozen=True)
class WeakTable:
    """Rows sorted by survey; a star counts once in a survey, its spectra averaged.

    Attributes:
        names: the surveys, (S,).
        survey: place of the survey, (n,).
        star: place of the star, (n,).
        stars: star numbers, rising, (m,).
        reported: Teff (K), log g, [Fe/H] as the survey gives them, (n, 3).
        quoted: their variances after the survey's error model, NaN where it gives none, (n, 3).
        nuisance: the survey's further features, NaN where missing or not the survey's, (n, 2).
        nuisance_names: which those are, per survey.
        reference: what the scale knows of the star, NaN where nothing, (m, 3).
        reference_error: its standard error, (m, 3).
    """

    names: tuple[str, ...]
    survey: Integers
    star: Integers
    stars: Integers
    reported: Floats
    quoted: Floats
    nuisance: Floats
    nuisance_names: tuple[tuple[str, ...], ...]
    reference: Floats
    reference_error: Floats

    def where(self, chosen: Booleans) -> WeakTable:
        """Return the chosen rows (n,), with all surveys and stars."""
        parts = {name: getattr(self, name)[chosen] for name in ("survey", "star", "reported", "quoted", "nuisance")}
        return replace(self, **parts)

    @property
    def direct(self) -> Booleans:
        """Whether the scale knows the row's star in some parameter, (n,)."""
        return np.asarray(np.isfinite(self.reference[self.star]).any(axis=1))

    def shared(self) -> Integers:
        """Return how many stars each two surveys have in common, (S, S); how many each has on the diagonal."""
        seen = np.zeros((len(self.stars), len(self.names)), dtype=np.int64)
        seen[self.star, self.survey] = 1
        return np.asarray(seen.T @ seen)


def weak_table(frames: Mapping[str, Frame], scale: ReferenceScale, *, features: tuple[str, ...] = ()) -> WeakTable:
    """Return the table of weak surveys' spectra outside the test split, of stars that say something of a bias.

    These are stars that the scale knows, and stars that two of the surveys saw.

    Args:
        frames: linked measurements of each weak survey.
        scale: the combined scale of the strong surveys; it is read, never moved.
        features: which of `snr` and `magnitude` may be features beside Teff, log g and [Fe/H].
    """
    names = tuple(frames)
    if not names:
        return _empty()
    nuisance_names = tuple(frame.nuisance_names(features) for frame in frames.values())
    parts = [_one_per_star(frames[name], wanted) for name, wanted in zip(names, nuisance_names, strict=True)]
    number = np.concatenate([part[0] for part in parts])
    survey = np.repeat(np.arange(len(names)), [len(part[0]) for part in parts])
    reported, quoted, nuisance = (np.concatenate([part[k] for part in parts]) for k in (1, 2, 3))
    stars, star, counts = np.unique(number, return_inverse=True, return_counts=True)
    reference, error = scale.at(stars)
    table = WeakTable(names, survey, star, stars, reported, quoted, nuisance, nuisance_names, reference, error)
    return table.where(table.direct | (counts[star] > 1))


def _empty() -> WeakTable:
    none, three, two = np.zeros(0, dtype=np.int64), np.zeros((0, 3)), np.zeros((0, 2))
    return WeakTable((), none, none, none, three, three, two, (), three, three)


def _one_per_star(frame: Frame, nuisance_names: tuple[str, ...]) -> tuple[Integers, Floats, Floats, Floats]:
    """Return star numbers, mean values (n, 3), mean variances (n, 3) and mean nuisance features (n, 2)."""
    whole = frame.used.all(axis=1) & (frame.split != TEST)
    stars, place, counts = np.unique(frame.star[whole], return_inverse=True, return_counts=True)
    nuisance = np.full((len(whole), 2), np.nan)
    nuisance[:, : len(nuisance_names)] = frame.nuisance(nuisance_names)
    columns = np.hstack([frame.reported, np.square(0.5 * (frame.minus + frame.plus)), nuisance])[whole]
    sums = np.column_stack([np.bincount(place, column, minlength=len(stars)) for column in columns.T])
    means = np.asarray(sums / counts[:, None], dtype=np.float64)
    return stars, means[:, :3], means[:, 3:6], means[:, 6:]
