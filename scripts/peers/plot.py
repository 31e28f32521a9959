"""Draws how the cost of a step grows.

    python plot.py growth.json growth.svg
"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: E402

from growth import NETWORKS, Growth  # noqa: E402

COLORS = {
    "consonance": "#0b3c8c",
    "torch": "#e0662b",
    "jax": "#8a5fbf",
    "sklearn": "#c9a227",
    "numpy": "#b05a7a",
    "candle": "#2f9e77",
    "burn-flex": "#8c8c8c",
    "burn-ndarray": "#5b5b5b",
}
MARKERS = {"torch": "s", "jax": "^", "sklearn": "P", "numpy": "X", "candle": "D", "burn-flex": "v"}
AXES = {
    "width": "width w, units a hidden layer",
    "batch": "batch b, rows a step",
    "depth": "depth d, hidden layers",
    "threads": "threads",
}


def style(line, alone):
    ours = line.subject == "consonance"
    return {
        "color": COLORS[line.subject],
        "marker": "o" if ours else MARKERS.get(line.subject, "."),
        "linestyle": "--" if alone else "-",
        "linewidth": 1.4 if alone or not ours else 3,
        "markersize": 6 if ours and not alone else 4,
        "markerfacecolor": "white" if alone else COLORS[line.subject],
        "zorder": 3 if ours else 2,
        "label": line.title,
    }


def panel(axes, growth, series):
    for line in growth.lines(series):
        alone = growth.alone(series)
        axes.loglog(*zip(*line.points), **style(line, alone and line.title == alone.title))
    sizes = [size for size, _ in growth.series[series]]
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.set_title(NETWORKS[series], fontsize=10, color="#555555")
    axes.set_xlabel(AXES[series])
    axes.set_ylabel("µs a step")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def draw(growth, path):
    # the same measurements give the same file
    plt.rcParams.update({"svg.hashsalt": "growth", "font.size": 10, "axes.edgecolor": "#888888"})
    rows = (len(growth.series) + 1) // 2
    figure, panels = plt.subplots(rows, 2, figsize=(10, 4.2 * rows + 0.6), squeeze=False)
    panels = panels.ravel()
    for axes, series in zip(panels, growth.series):
        panel(axes, growth, series)
    for axes in panels[len(growth.series) :]:
        axes.set_visible(False)
    # one legend for all: the panels' lines have the same titles, but for the threads
    lines = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            lines.setdefault(label, handle)
    lines.pop("Consonance", None) if len(growth.series) > 1 else None
    figure.legend(lines.values(), lines.keys(), loc="upper center", ncols=6, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_figheight()))
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.endswith("svg") else {})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        draw(Growth(json.load(file)), sys.argv[2])
