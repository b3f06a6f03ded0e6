"""The network for people: which surveys hold which in place, and how well.

Every star that several surveys saw is eliminated (star-mesh transform, the Kron reduction of its node: Doerfler & Bullo
2013): with weights w of its sightings it joins surveys a and b with conductance w_a w_b / sum_s w_s. The sum over stars
is the conductance of a link, 1 / variance. The effective resistance between a survey and the scale (Klein & Randic
1993) is then exactly the variance of the survey's zero point through every path at once. The spanning tree and the best
path are for display; nothing is computed from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import shortest_path

from app.science.arrays import Floats, Integers
from app.science.calibration.network_sightings import Sightings

SCALE = "scale"
"""The node into which all anchors are merged."""


@dataclass(frozen=True)
class Edge:
    """A link between two surveys: stars in common, and one over the variance of their mean difference."""

    survey: str
    other: str
    stars: int
    conductance: float


@dataclass(frozen=True)
class Node:
    """How a survey hangs on the scale.

    Attributes:
        survey: its name.
        direct: standard error of its zero point by the stars in common with the anchors alone; infinite without any.
        best_path: the same through the one best path.
        network: the same through all paths, the square root of the effective resistance.
        path: the best path, from the survey to the scale.
        shares: part of the information that comes in through each direct neighbour; they add up to one.
    """

    survey: str
    direct: float
    best_path: float
    network: float
    path: tuple[str, ...]
    shares: dict[str, float]


@dataclass(frozen=True)
class SurveyGraph:
    """Links between all surveys, and the nodes that are no anchors."""

    edges: tuple[Edge, ...]
    nodes: tuple[Node, ...]


def survey_graph(seen: Sightings) -> SurveyGraph:
    """Return the graph of surveys with the weights that their sightings have in a common fit.

    Raises:
        ValueError: a survey has no path to an anchor.
    """
    table = np.zeros((seen.stars, len(seen.names)))
    table[seen.star, seen.survey] = seen.fitted().weight
    return SurveyGraph(_edges(seen.names, table), _nodes(seen, table))


def laplacian(conductance: Floats) -> Floats:
    """Return the Laplacian of symmetric conductances (S, S); what stands on their diagonal does not matter."""
    links = conductance - np.diag(np.diag(conductance))
    return np.diag(links.sum(axis=1)) - links


def effective_resistance(conductance: Floats) -> Floats:
    """Return the effective resistance between every two nodes of a connected graph, (S, S).

    R_ab = L+_aa + L+_bb - 2 L+_ab with L+ the pseudo-inverse of the Laplacian (Klein & Randic 1993).

    >>> effective_resistance(np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])).round(6)[0].tolist()
    [0.0, 0.666667, 0.666667]
    """
    inverse = np.linalg.pinv(laplacian(conductance), hermitian=True)
    own = np.diag(inverse)
    return np.asarray(own[:, None] + own[None, :] - 2 * inverse)


def mesh(table: Floats) -> Floats:
    """Return the conductances between surveys (S, S) of weights (m, S), zero where a survey did not see the star."""
    total = table.sum(axis=1)
    joined = table.T @ (table / np.where(total > 0, total, 1.0)[:, None])
    return np.asarray(joined - np.diag(np.diag(joined)))


def _pairwise(table: Floats) -> Floats:
    """Return the conductance of each pair taken by itself, (S, S): one over the variance of its mean difference."""
    size = table.shape[1]
    pairs = np.zeros((size, size))
    for a in range(size):
        total = table[:, [a]] + table
        pairs[a] = np.sum(table[:, [a]] * table / np.where(total > 0, total, 1.0), axis=0)
    return np.asarray(pairs - np.diag(np.diag(pairs)))


def _edges(names: tuple[str, ...], table: Floats) -> tuple[Edge, ...]:
    pairs, stars = _pairwise(table), (table > 0).astype(np.int64).T @ (table > 0)
    return tuple(
        Edge(names[a], names[b], int(stars[a, b]), float(pairs[a, b]))
        for a in range(len(names))
        for b in range(a)
        if stars[a, b]
    )


def _nodes(seen: Sightings, table: Floats) -> tuple[Node, ...]:
    """Return the nodes, with the anchors merged into one that stands first."""
    free = np.flatnonzero(~seen.anchors)
    merged = np.column_stack([table[:, seen.anchors].sum(axis=1), table[:, free]])
    names = (SCALE, *(seen.names[s] for s in free))
    joined, pairs = mesh(merged), _pairwise(merged)
    inverse = np.asarray(np.linalg.pinv(laplacian(joined), hermitian=True), dtype=np.float64)
    resistance = effective_resistance(joined)
    with np.errstate(divide="ignore"):
        lengths = 1.0 / pairs
    distance, before = shortest_path(np.where(np.isfinite(lengths), lengths, 0.0), indices=0, return_predecessors=True)
    return tuple(
        Node(
            survey=names[s],
            direct=float(np.sqrt(lengths[s, 0])),
            best_path=float(np.sqrt(distance[s])),
            network=float(np.sqrt(resistance[s, 0])),
            path=_path(names, before.astype(np.int64), s),
            shares=_shares(names, joined, inverse, s),
        )
        for s in range(1, len(names))
    )


def _path(names: tuple[str, ...], before: Integers, s: int) -> tuple[str, ...]:
    path = [names[s]]
    while before[s] >= 0:
        s = int(before[s])
        path.append(names[s])
    return tuple(path)


def _shares(names: tuple[str, ...], joined: Floats, inverse: Floats, s: int) -> dict[str, float]:
    """Return the part of a unit current from survey s to the scale that leaves s through each neighbour."""
    potential = inverse[:, s] - inverse[:, 0]
    current = joined[s] * (potential[s] - potential)
    return {names[k]: float(current[k]) for k in np.argsort(-current) if joined[s, k] > 0}
