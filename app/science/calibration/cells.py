"""Cells of the feature space in which intervals get a conformal correction of their own (Mondrian)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from app.science.arrays import Floats, Integers

MOST_CELLS = 24


@dataclass(frozen=True)
class Cells:
    """A binary tree of cuts through the feature space; its leaves are the cells.

    Attributes:
        feature: which feature each node cuts, -1 at a leaf, (nodes,).
        threshold: rows at or below it go left, (nodes,).
        left: node on the left, at a leaf the number of the cell, (nodes,).
        right: node on the right, (nodes,).
    """

    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers

    @property
    def count(self) -> int:
        """How many cells there are."""
        return int((self.feature < 0).sum())

    def of(self, features: Floats) -> Integers:
        """Return the cell of each row of features (n, k), (n,)."""
        node = np.zeros(len(features), dtype=np.int64)
        rows = np.arange(len(features))
        while (cut := self.feature[node] >= 0).any():
            here = node[cut]
            goes_left = features[rows[cut], self.feature[here]].astype(np.float32) <= self.threshold[here]
            node[cut] = np.where(goes_left, self.left[here], self.right[here])
        return self.left[node]


ONE_CELL = Cells(np.array([-1]), np.zeros(1), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
"""The whole space."""


def grow_cells(features: Floats, below: Floats, above: Floats, *, smallest: int) -> Cells:
    """Return cells, each of at least `smallest` stars, between which the tails differ most.

    Args:
        features: of stars that the quantiles were not fitted to, without missing values, (n, k).
        below: 1 where the star lies below its lower quantile, (n,).
        above: 1 where it lies above the upper one, (n,).
        smallest: least number of stars in a cell.

    >>> x = np.linspace(0, 1, 400)[:, None]
    >>> cells = grow_cells(x, (x[:, 0] > 0.5).astype(float), np.zeros(400), smallest=100)
    >>> cells.count, len(np.unique(cells.of(np.array([[0.1], [0.9]]))))
    (2, 2)
    """
    if len(features) < 2 * smallest:
        return ONE_CELL
    grown = DecisionTreeRegressor(
        min_samples_leaf=smallest, max_leaf_nodes=MOST_CELLS, min_impurity_decrease=1e-6, random_state=0
    ).fit(features.astype(np.float32), np.column_stack([below, above]))
    tree = grown.tree_
    leaf = tree.children_left < 0
    number = np.cumsum(leaf) - 1
    return Cells(
        feature=np.where(leaf, -1, tree.feature).astype(np.int64),
        threshold=np.where(leaf, 0.0, tree.threshold),
        left=np.where(leaf, number, tree.children_left).astype(np.int64),
        right=np.where(leaf, 0, tree.children_right).astype(np.int64),
    )
