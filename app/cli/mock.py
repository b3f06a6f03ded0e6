"""`sos mock`: the simulated sky."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli import context

DEFAULT_STARS = 200_000
DEFAULT_SEED = 1


def mock(
    out: Annotated[Path, typer.Option(help="Folder for the files, made where it is missing")],
    stars: Annotated[int, typer.Option(help="How many stars, from 1 to 100 million")] = DEFAULT_STARS,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sky")] = DEFAULT_SEED,
    bias: Annotated[bool, typer.Option(help="Let surveys be biased; --no-bias gives the null sky")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the files as JSON")] = False,
) -> None:
    """Write a simulated sky: one file per survey in its official format, and the truth beside them."""
    from app.pipeline.mock import write_sky

    with context.progress("Stars") as progress:
        summary = write_sky(out, stars=stars, seed=seed, bias=bias, progress=progress)
    context.emit(summary.files, json=json)
