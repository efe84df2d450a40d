"""The style of all charts: one font and one palette.

The colours are Okabe and Ito's, which colour-blind readers can distinguish (Color Universal Design,
2008). Lines differ in their dashes as well, so that a grey print can be read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from contract.files import atomic_files

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
"""Makes charts 1600 pixels wide: twice the width of a page's text, for sharp screens."""
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
def save_figure(
    path: Path,
    height_in: float,
    columns: Sequence[float] = (1.0,),
    rows: Sequence[float] = (1.0,),
) -> Iterator[list[Axes]]:
    """Yield axes, and then write them as a PNG file in place of an older one.

    Args:
        path: file to write.
        height_in: height of the chart.
        columns: relative widths of the columns of axes.
        rows: relative heights of the rows; the axes are yielded row by row.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(
            len(rows),
            len(columns),
            width_ratios=list(columns),
            height_ratios=list(rows),
            squeeze=False,
        )
        yield list(axes.flat)
        content = io.BytesIO()
        figure.savefig(content, format="png", facecolor="white", metadata={"Software": None})
    atomic_files.write_bytes(path, content.getvalue())


def write_title(axes: Axes, title: str, facts: str = "") -> None:
    """Write a title, and a line of facts below it, at the top left of the figure of `axes`."""
    figure = axes.figure.figure
    figure.suptitle(f"{title}\n{facts}".rstrip(), x=0.01, ha="left", fontsize=10, fontweight="bold")


def draw_grid(axes: Axes, axis: str = "y") -> None:
    """Draw grid lines to read values by, along the x axis or the y axis."""
    axes.grid(visible=True, which="both", axis="x" if axis == "x" else "y")


def spread_labels(values: Sequence[float], distance: float) -> list[float]:
    """Return positions of labels, at least `distance` apart, in the order of the values.

    Each label is as near to its value as its neighbours allow. The labels of close values are
    centred on the mean of these values.
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    groups: list[tuple[list[int], float]] = []
    for index in order:
        groups.append(([index], values[index]))
        while len(groups) > 1:
            (lower, lower_middle), (upper, upper_middle) = groups[-2:]
            if upper_middle - lower_middle >= distance * (len(lower) + len(upper)) / 2:
                break
            joined = lower + upper
            middle = sum(values[index] for index in joined) / len(joined)
            groups[-2:] = [(joined, middle)]
    positions = [0.0] * len(values)
    for members, middle in groups:
        for rank, index in enumerate(members):
            positions[index] = middle + (rank - (len(members) - 1) / 2) * distance
    return positions
