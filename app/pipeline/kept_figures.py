"""Figures as files, drawn anew only where what they show is new to this machine."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from app.pipeline import machine_cache
from app.pipeline.machine_cache import Arrays
from app.pipeline.software import software_versions
from app.science.figures.style import render

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
Figures = dict[str, tuple[bytes, str]]


def rendered(name: str, draw: Callable[..., Figure | None], *shown: Any, **options: Any) -> Figures:
    """Return what `draw` makes of what is `shown`, as PNG and SVG with their media types, by file name.

    Args:
        name: of the files, without ending.
        draw: a function of the figures package; where it returns None, there is no figure.
        shown: what it draws, arrays and plain values.
        options: how.
    """
    software = software_versions()["science_sha256"]
    # Equal values may be pickled differently: such a figure is drawn once more, and no other is ever taken for it.
    made_of = pickle.dumps((software, draw.__module__, draw.__qualname__, shown, options), protocol=5)

    def make() -> Arrays:
        figure = draw(*shown, **options)
        files = {} if figure is None else render(figure)
        return {kind: np.frombuffer(content, dtype=np.uint8) for kind, content in files.items()}

    kept = machine_cache.kept(hashlib.sha256(made_of).hexdigest(), make)
    return {f"{name}.{kind}": (content.tobytes(), MEDIA_TYPES[kind]) for kind, content in kept.items()}
