"""The common look: Okabe-Ito colours, sizes for a journal page, and how a figure becomes bytes."""

from __future__ import annotations

import io
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

DOTS_PER_INCH = 150
BEFORE = "#D55E00"
AFTER = "#0072B2"
INK = "#222222"
FAINT = "#999999"
ACCENT = "#CC79A7"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

RC: dict[str, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "svg.fonttype": "none",
    "svg.hashsalt": "sos",
}
LABELS = {"teff": r"$T_\mathrm{eff}$ (K)", "logg": r"$\log g$ (dex)", "feh": "[Fe/H] (dex)"}
DIFFERENCES = {"teff": r"$\Delta T_\mathrm{eff}$ (K)", "logg": r"$\Delta \log g$ (dex)", "feh": r"$\Delta$[Fe/H] (dex)"}


def render(figure: Figure) -> dict[str, bytes]:
    """Return the figure as PNG and as SVG; the same figure gives the same bytes.

    The canvases draw once each, where `savefig` would draw everything twice.
    """
    png, svg = io.BytesIO(), io.BytesIO()
    with rc_context(RC):
        figure.set_dpi(DOTS_PER_INCH)
        FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
        figure.set_layout_engine("none")  # the first drawing has settled where everything stands
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None})
    return {"png": png.getvalue(), "svg": svg.getvalue()}
