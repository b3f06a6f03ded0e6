"""How models are fitted: settings that a plan carries, apart from the code that needs the model libraries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BoostSettings:
    """How large the trees are and how many.

    `rounds` is the most; with `patience` > 0 boosting stops earlier, when that many rounds have not improved the loss
    of the stars kept aside for it. Each round grows `forest` trees on a share `subsample` of the stars and a share
    `features` of the features at each split, and takes their mean: smoother, and worth its time where stars are few.
    """

    rounds: int = 100
    depth: int = 3
    learning_rate: float = 0.05
    min_child_weight: float = 20.0
    forest: int = 8
    subsample: float = 0.5
    features: float = 0.7
    patience: int = 0

    @classmethod
    def for_stars(cls, stars: int) -> BoostSettings:
        """Return settings for a number of training stars: small and fixed for few, large and stopped early for many.

        The small ones were chosen on the pinball loss of the real links (docs/science.md, "Model size").
        """
        if stars < 1500:
            return cls()
        return cls(
            rounds=2000,
            depth=6,
            learning_rate=0.04,
            min_child_weight=80.0,
            forest=1,
            subsample=0.8,
            features=1.0,
            patience=60,
        )


@dataclass(frozen=True)
class FitSettings:
    """How a survey's models are fitted.

    Attributes:
        direction: `forward` (the survey given the star, then inverted) or `direct` (the reference given the survey).
        pooled: below this number of stars, training and conformal stars are fitted together and the conformal step
            uses what each fold's models say of the stars left out of it; above it the two sets are kept apart.
        few: below this number the tails come from Student's t instead.
        fewest: below this number the survey is refused.
        shrinkage: number of stars that a slope of zero counts for.
        network_below: surveys with fewer stars in common with the scale than this are fitted jointly, as a network;
            members of the reference are not.
        draws: Monte Carlo draws for stars over whose errors the bias bends, a power of two; 0 for none.
        boost: tree settings; None takes them by the number of stars.
        seed: of everything random.
    """

    direction: str = "forward"
    pooled: int = 5000
    few: int = 60
    fewest: int = 5
    shrinkage: float = 3.0
    network_below: int = 500
    draws: int = 32
    boost: BoostSettings | None = None
    seed: int = 1
