"""External scales: the files they came in, and one spelling for the names of clusters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

_MESSIER = {
    6: "NGC 6405", 7: "NGC 6475", 11: "NGC 6705", 16: "NGC 6611", 18: "NGC 6613", 21: "NGC 6531", 23: "NGC 6494",
    25: "IC 4725", 26: "NGC 6694", 29: "NGC 6913", 34: "NGC 1039", 35: "NGC 2168", 36: "NGC 1960", 37: "NGC 2099",
    38: "NGC 1912", 39: "NGC 7092", 41: "NGC 2287", 44: "NGC 2632", 45: "Melotte 22", 46: "NGC 2437",
    47: "NGC 2422", 48: "NGC 2548", 50: "NGC 2323", 52: "NGC 7654", 67: "NGC 2682", 93: "NGC 2447", 103: "NGC 581",
    2: "NGC 7089", 3: "NGC 5272", 4: "NGC 6121", 5: "NGC 5904", 9: "NGC 6333", 10: "NGC 6254", 12: "NGC 6218",
    13: "NGC 6205", 14: "NGC 6402", 15: "NGC 7078", 19: "NGC 6273", 22: "NGC 6656", 28: "NGC 6626",
    30: "NGC 7099", 53: "NGC 5024", 54: "NGC 6715", 55: "NGC 6809", 56: "NGC 6779", 62: "NGC 6266",
    68: "NGC 4590", 69: "NGC 6637", 70: "NGC 6681", 71: "NGC 6838", 72: "NGC 6981", 75: "NGC 6864",
    79: "NGC 1904", 80: "NGC 6093", 92: "NGC 6341", 107: "NGC 6171",
}  # fmt: skip
_NAMES = {
    "PLEIADES": "Melotte 22", "HYADES": "Melotte 25", "PRAESEPE": "NGC 2632", "BEEHIVE": "NGC 2632",
    "ALPHA_PER": "Melotte 20", "ALPHA_PERSEI": "Melotte 20", "COMA_BER": "Melotte 111",
    "47_TUC": "NGC 104", "OMEGA_CEN": "NGC 5139", "H_PER": "NGC 869", "CHI_PER": "NGC 884",
}  # fmt: skip
_COMMON = {
    "NGC_2682": "M67", "MELOTTE_22": "Pleiades", "MELOTTE_25": "Hyades", "NGC_2632": "Praesepe",
    "MELOTTE_20": "alpha Per", "MELOTTE_111": "Coma Ber", "NGC_104": "47 Tuc", "NGC_5139": "omega Cen",
    "NGC_6121": "M4", "NGC_6838": "M71", "NGC_5904": "M5", "NGC_5272": "M3", "NGC_6218": "M12",
}  # fmt: skip
_SHORT = {
    "MEL": "MELOTTE", "BERK": "BERKELEY", "BE": "BERKELEY", "CR": "COLLINDER", "COL": "COLLINDER",
    "RUP": "RUPRECHT", "TR": "TRUMPLER", "TRU": "TRUMPLER", "PAL": "PALOMAR", "MESSIER": "M",
}  # fmt: skip
_PIECES = re.compile(r"[\s_\-]+")
_JOINED = re.compile(r"^([A-Z]+)(\d+)$")


def cluster_key(name: str) -> str:
    """Return the one spelling of a cluster's name: capitals, underscores, no leading zeros, NGC before Messier.

    >>> [cluster_key(name) for name in ("NGC_2682", "M67", "ngc 2682", "Messier 67", "NGC2682")]
    ['NGC_2682', 'NGC_2682', 'NGC_2682', 'NGC_2682', 'NGC_2682']
    >>> cluster_key("Pleiades"), cluster_key("LP_0866"), cluster_key("ESO 368-11")
    ('MELOTTE_22', 'LP_866', 'ESO_368_11')
    """
    pieces = [piece for piece in _PIECES.split(name.strip().upper()) if piece]
    if len(pieces) == 1 and (joined := _JOINED.match(pieces[0])):
        pieces = list(joined.groups())
    pieces = [piece.lstrip("0") or "0" if piece.isdigit() else piece for piece in pieces]
    if pieces and len(pieces) > 1:
        pieces[0] = _SHORT.get(pieces[0], pieces[0])
    key = "_".join(pieces)
    other = _NAMES.get(key)
    if other is None and len(pieces) == 2 and pieces[0] == "M" and pieces[1].isdigit():
        other = _MESSIER.get(int(pieces[1]))
    return key if other is None else cluster_key(other)


def cluster_label(key: str) -> str:
    """Return how people call a cluster, its spelling by `cluster_key` given.

    >>> cluster_label("NGC_2682"), cluster_label("RUPRECHT_147")
    ('NGC 2682 (M67)', 'Ruprecht 147')
    """
    catalogue, _, number = key.partition("_")
    spelled = f"{catalogue.title() if len(catalogue) > 5 else catalogue} {number.replace('_', ' ')}".strip()
    return f"{spelled} ({_COMMON[key]})" if key in _COMMON else spelled


@dataclass(frozen=True)
class ReferenceFile:
    """A reference table that is loaded.

    Attributes:
        source: its name in SoS.
        title: what it holds.
        citation: the paper.
        file_name: where it came from.
        file_sha256: checksum of that file.
        rows_read: rows of the file.
        rows_stored: rows that are kept.
        left_out: the others, by reason.
        loaded_at: when it was loaded; None before it is.
        repeated: whether the very same file was there before.
    """

    source: str
    title: str
    citation: str
    file_name: str
    file_sha256: str
    rows_read: int
    rows_stored: int
    left_out: Mapping[str, int]
    loaded_at: datetime | None = None
    repeated: bool = False
