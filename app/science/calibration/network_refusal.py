"""Which weak survey has too few links to say anything of its bias, and why, in words."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.calibration.frame import PARAMETERS
from app.science.calibration.network_table import WeakTable


def too_few(table: WeakTable, fewest: int) -> tuple[str, str] | None:
    """Return the survey with the fewest stars on any path to the scale, and the reason, if it has under `fewest`."""
    reached = _reached(table)
    usable = _on_a_path(table, reached)
    counts = np.bincount(table.survey, usable, minlength=len(table.names)).astype(int)
    counts[~reached] = 0
    if not len(counts) or counts.min() >= fewest:
        return None
    s = int(np.argmin(counts))
    return table.names[s], f"{_paths(table, s)}: {counts[s]} stars on paths to the scale, {fewest} are needed"


def too_little(table: WeakTable, links: Floats, least: float) -> tuple[str, str] | None:
    """Return the survey whose links are worth the fewest direct stars, and the reason, if that is under `least`.

    Args:
        table: the rows that were fitted.
        links: effective number of links in each parameter, (3, S).
        least: what is needed in every parameter.
    """
    worst = links.min(axis=0)
    if not worst.size or worst.min() >= least:
        return None
    s = int(np.argmin(worst))
    parameter = PARAMETERS[int(np.argmin(links[:, s]))]
    reason = f"{_paths(table, s)}: in {parameter} they are worth {worst[s]:.1f} direct stars, {least:g} are needed"
    return table.names[s], reason


def _reached(table: WeakTable) -> Booleans:
    """Return which surveys have any path to a star that the scale knows in all parameters, (S,)."""
    known = np.asarray(np.isfinite(table.reference[table.star]).all(axis=1))
    reached = np.bincount(table.survey, known, minlength=len(table.names)) > 0
    shared = table.shared() > 0
    for _ in table.names:
        reached = reached | (shared[:, reached].any(axis=1))
    return np.asarray(reached)


def _on_a_path(table: WeakTable, reached: Booleans) -> Booleans:
    """Return which rows lie on a path: the scale knows the star, or another survey with a path saw it, (n,)."""
    others = np.bincount(table.star, reached[table.survey], minlength=len(table.stars))[table.star]
    return np.asarray(table.direct | (others - reached[table.survey] > 0))


def _paths(table: WeakTable, s: int) -> str:
    direct = int((table.direct & (table.survey == s)).sum())
    shared = table.shared()[s]
    through = [f"{shared[k]} with {name}" for k, name in enumerate(table.names) if k != s and shared[k]]
    return f"{direct} stars in common with the scale" + (", " + ", ".join(through) if through else ", none with others")
