"""A small survey format to build tests from, and tables that fit it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.domain.descriptors import SurveyDescriptor
from app.surveys.loader import parse

TOML = """
name = "toy"
format = "table"
title = "A toy survey"
release = "first"
citation = "nobody 2026"
object_id = "id"
snr = "snr"

[missing]
values = [-9999.0]
at_most = -900.0

[position]
ra = { column = "ra", unit = "deg" }
dec = { column = "dec", unit = "deg" }
match_radius_arcsec = 2.0

[ids]
gaia_dr3 = { column = "gaia", missing = [0, -9999] }
tmass = "tmass"

[magnitudes]
g = "g"

[parameters.teff]
column = "teff"
unit = "K"
error = { kind = "symmetric", column = "e_teff", scale = 2.0, floor = 30.0 }

[parameters.logg]
column = "logg"
error = { kind = "percentiles", lower = "logg_16", upper = "logg_84" }

[parameters.feh]
column = "feh"
error = { kind = "absent" }

[[cut]]
name = "flag"
column = "flag"
bits = [1, 31]
reason = "bits 1 and 31 are bad"

[[cut]]
name = "poor iron"
column = "iron_flag"
characters = { first = 0, last = 1, allowed = "0" }
parameters = ["feh"]
reason = "the first two characters say whether iron was seen"
"""


def toy(extra: str = "", **replaced: str) -> SurveyDescriptor:
    """Return the toy survey's descriptor; `replaced` changes texts of the TOML, `extra` is added to its end."""
    text = TOML
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    return parse(text + extra, "toy.toml")


def toy_columns(rows: int, **changed: Any) -> dict[str, Any]:
    """Return the columns of a table of stars that are all good, less what is changed."""
    number = np.arange(rows)
    columns: dict[str, Any] = {
        "id": [f"star {n}" for n in number],
        "ra": (number * 7.3) % 360,
        "dec": (number * 3.1) % 180 - 90,
        "gaia": 2**62 + number,
        "tmass": [f"2M0852{n % 10000:04d}+1149254" for n in number],
        "g": np.full(rows, 12.5),
        "snr": np.full(rows, 50.0),
        "teff": 5000.0 + number % 1000,
        "e_teff": np.full(rows, 20.0),
        "logg": np.full(rows, 2.5),
        "logg_16": np.full(rows, 2.4),
        "logg_84": np.full(rows, 2.8),
        "feh": np.full(rows, -0.5),
        "flag": np.zeros(rows, np.int32),
        "iron_flag": ["00xx"] * rows,
        "remark": [f"row {n}" for n in number],
    }
    return {**columns, **changed}


def toy_table(rows: int, **changed: Any) -> pa.Table:
    """Return the table of `toy_columns`."""
    columns = toy_columns(rows, **changed)
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    return pa.table(arrays)


def write_toy(path: Path, rows: int, **changed: Any) -> Path:
    """Write the table of `toy_columns` as Parquet."""
    pq.write_table(toy_table(rows, **changed), path)
    return path
