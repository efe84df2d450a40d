"""How all charts of a report look: one type, one palette, and ink where the data are.

The colours are Okabe and Ito's, which the colour-blind tell apart (Color Universal Design, 2008);
lines differ by dash as well, so that they are told apart on grey paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK: Final = "#1b1f24"
FAINT: Final = "#6a737d"
RULE: Final = "#d8dde3"
BLUE: Final = "#0072b2"
ORANGE: Final = "#e69f00"
VERMILION: Final = "#d55e00"
GREEN: Final = "#009e73"
SKY: Final = "#56b4e9"
PALE: Final = "#e9edf1"

WIDTH_IN: Final = 8.0
DPI: Final = 200
"""1600 pixels wide: sharp at twice the width of a page's text."""
STYLE: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "ytick.minor.size": 0.0,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "figure.constrained_layout.wspace": 0.06,
}


@contextmanager
def drawn(path: Path, height_in: float, columns: Sequence[float] = (1.0,)) -> Iterator[list[Axes]]:
    """Yield axes side by side, of relative widths; at the end they are the PNG at `path`."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, len(columns), width_ratios=list(columns), squeeze=False)
        yield list(axes[0])
        figure.savefig(path, format="png", facecolor="white", metadata={"Software": None})


def grid(axes: Axes, axis: str = "y") -> None:
    """Rule lines across the axes, to read values by."""
    axes.grid(visible=True, which="both", axis="x" if axis == "x" else "y")


def spread(values: Sequence[float], least: float) -> list[float]:
    """Return places for labels of values, no two nearer than `least`, in the order of the values.

    Each stays as near to its own value as its neighbours let it; a group of close ones is centred.
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    groups: list[tuple[list[int], float]] = []
    for index in order:
        groups.append(([index], values[index]))
        while len(groups) > 1:
            (low, low_at), (high, high_at) = groups[-2:]
            if high_at - low_at >= least * (len(low) + len(high)) / 2:
                break
            joined = low + high
            middle = sum(values[each] for each in joined) / len(joined)
            groups[-2:] = [(joined, middle)]
    places = [0.0] * len(values)
    for members, middle in groups:
        for rank, index in enumerate(members):
            places[index] = middle + (rank - (len(members) - 1) / 2) * least
    return places
