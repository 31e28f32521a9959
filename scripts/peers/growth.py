"""How the cost of a step grows: the lines that plot.py draws, and the report's section on them."""

import math
from dataclasses import dataclass

from measured import TITLES, Measured, environment, table, three

# A line bends at the first size from which doubling the size costs more than so many times.
BEND = 1.5

NETWORKS = {
    "width": "64-w-w-10, mini-batches of 128",
    "batch": "784-512-512-10, mini-batches of b",
    "depth": "256-[256]×d-10, mini-batches of 128",
    "threads": "784-512-512-10, mini-batches of 128",
}

REASONS = {
    "width": "Below its bend a step is fixed costs: calls, hand-overs between threads, loops too "
    "short to fill vectors. Above it the products decide, and they grow with the width's square.",
    "batch": "A step of one row already reads and updates every parameter, so rows are nearly free "
    "until their products take as long as that; then each costs about the same.",
    "depth": "Every layer adds the same work: where a line is flat at first, the step's own fixed "
    "costs, the first layer and the loss outweigh a layer.",
    "threads": "What does not divide is the hand-overs, and moving weights and activations from "
    "one core's cache to another's.",
}


@dataclass
class Line:
    subject: str
    title: str
    points: list  # (size, microseconds)

    def growth(self):
        """(size, how many times the time grows when it is doubled from there)"""
        return [
            (x, (later / now) ** (1 / math.log2(y / x)))
            for (x, now), (y, later) in zip(self.points, self.points[1:])
        ]

    def bend(self):
        return next((size for size, times in self.growth() if times > BEND), None)


class Growth:
    def __init__(self, results):
        self.results = results
        self.measured = Measured(results)
        self.threads = results["settings"]["threads"]
        self.series = {s: sizes for s, sizes in results["series"].items() if sizes}
        if results["threaded"] in results["workloads"] and len(self.threads) > 1:
            self.series["threads"] = [[t, results["threaded"]] for t in self.threads]

    def line(self, series, subject, threads):
        """The line of a program; one on `threads`, where they are not what grows."""
        points = [
            (size, self.measured.median(name, subject, size if series == "threads" else threads))
            for size, name in self.series[series]
        ]
        counted = f", {threads} thread{'s' if threads > 1 else ''}"
        counted = counted if subject == "consonance" and series != "threads" else ""
        return Line(subject, TITLES[subject] + counted, [p for p in points if p[1]])

    def lines(self, series):
        """Everyone on all threads, and Consonance also on one where that was timed."""
        lines = [self.line(series, s, max(self.threads)) for s in self.measured.subjects]
        alone = self.alone(series)
        return [line for line in [*lines[:1], alone, *lines[1:]] if line and line.points]

    def ours(self, series):
        return self.line(series, "consonance", max(self.threads))

    def alone(self, series):
        if series in ("width", "batch") and len(self.threads) > 1:
            return self.line(series, "consonance", min(self.threads))
        return None

    def rates(self, series):
        """(size, GFLOP/s of Consonance's products)"""
        flops = {size: self.results["workloads"][n]["flops"] for size, n in self.series[series]}
        return [(size, flops[size] / time / 1e3) for size, time in self.ours(series).points]


def section(results):
    growth = Growth(results)
    parts = [
        f"""## How the cost grows

![Microseconds a step against width, batch, depth and threads](growth.svg)

From a run of `scripts/peers/run.sh --growth`: relu, cross-entropy, Adam 0.001, on \
{max(growth.threads)} threads unless another number is named; Consonance's default backend, \
PyTorch's eager mode with its fused optimiser, JAX's jitted scan. A line bends at the first size \
from which doubling the size costs more than {BEND} times the time.""",
        environment(results),
        *(part(growth, series) for series in growth.series),
    ]
    if growth.measured.errors:
        parts.append("Errors:\n\n" + growth.measured.error_list())
    return "\n\n".join(parts)


def part(growth, series):
    lines = growth.lines(series)
    times = [dict(line.points) for line in lines]
    rates = dict(growth.rates(series))
    rows = [
        [size, *(three(t[size]) if size in t else "—" for t in times), rate(rates.get(size))]
        for size, _ in growth.series[series]
    ]
    head = [series, *(f"{line.title}, µs" for line in lines), "Consonance, GFLOP/s"]
    sentences = [REASONS[series], *SENTENCES[series](growth)]
    if series != "threads":
        sentences.insert(0, bends(lines))
    return f"""### {series.capitalize()}

{NETWORKS[series]}.

{table(head, rows)}

{" ".join(sentences)}"""


def bends(lines):
    said = [f"{line.title} {f'at {line.bend()}' if line.bend() else 'nowhere'}" for line in lines]
    return f"Where the lines bend: {'; '.join(said)}."


def rate(value):
    return "—" if value is None else three(value)


def most(growth, series, where):
    """Where Consonance does the most operations a second, and how many it does at the end."""
    rates = growth.rates(series)
    if len(rates) < 2:
        return []
    size, best = max(rates, key=lambda r: r[1])
    last, end = rates[-1]
    if end > 0.9 * best:
        return [f"Consonance's operations a second do not fall again up to {series} {last}."]
    return [
        f"Consonance does the most operations a second at {series} {size}, and at {last} "
        f"{100 * end / best:.0f} % of them: {where(growth.results, growth.series[series][-1][1])}."
    ]


def pays(growth, series):
    """From where more threads are faster."""
    alone, together = growth.alone(series), dict(growth.ours(series).points)
    if not alone or not alone.points:
        return []
    faster = [x for x, time in alone.points if x in together and time > 1.1 * together[x]]
    if not faster:
        return [f"{max(growth.threads)} threads are nowhere a tenth faster than one."]
    return [f"{max(growth.threads)} threads are a tenth faster than one from {series} {faster[0]}."]


def caches(results, megabytes):
    """How so many megabytes compare with the cores' second-level caches."""
    m = results["machine"]
    if not m["second_level_cache"]:
        return ""
    total = m["cores"] * m["second_level_cache"] / 1024
    return f", against {total:.0f} MB of second-level caches" if megabytes > total else ""


def kept(workload):
    """Megabytes of parameters, gradient and moments."""
    widths = workload["widths"]
    parameters = sum((i + 1) * o for i, o in zip(widths, widths[1:]))
    return 4 * 4 * parameters / 2**20


def all_parameters(results, name):
    megabytes = kept(results["workloads"][name])
    return (
        f"parameters, gradient and moments are {megabytes:.0f} MB{caches(results, megabytes)}, "
        "and every step goes through them all"
    )


def all_activations(results, name):
    w = results["workloads"][name]
    megabytes = 4 * w["batch"] * (w["widths"][0] + 2 * sum(w["widths"][1:])) / 2**20
    return (
        f"the gathered rows, the activations and their gradients are {megabytes:.0f} MB"
        f"{caches(results, megabytes)}"
    )


def a_layer(growth):
    """What one more layer costs at the beginning and at the end."""
    points = growth.ours("depth").points
    if len(points) < 3:
        return []
    costs = [(y, (later - now) / (y - x)) for (x, now), (y, later) in zip(points, points[1:])]
    (_, first), (last, end) = costs[0], costs[-1]
    name = dict(growth.series["depth"])[last]
    megabytes = kept(growth.results["workloads"][name])
    reason = ""
    if end > 1.1 * first:
        reason = f": parameters, gradient and moments of {last} layers are {megabytes:.0f} MB"
        reason += caches(growth.results, megabytes)
    return [f"One more layer costs Consonance {three(first)} µs at first and {three(end)} µs at "
            f"the end{reason}."]


def speedups(growth):
    said = []
    for line in growth.lines("threads"):
        (few, slow), (many, fast) = line.points[0], line.points[-1]
        if few < many:
            said.append(f"{line.title} {slow / fast:.2f}")
    return [f"Times faster on {max(growth.threads)} threads than on one: {', '.join(said)}."]


SENTENCES = {
    "width": lambda growth: most(growth, "width", all_parameters) + pays(growth, "width"),
    "batch": lambda growth: most(growth, "batch", all_activations) + pays(growth, "batch"),
    "depth": a_layer,
    "threads": speedups,
}
