"""Writes the report of measurements as Markdown: of the eight steps, of growing networks, or both.

    python report.py results.json growth.json > RESULTS.md
"""

import json
import statistics
import sys
from collections import defaultdict

import growth
from measured import TITLES, Measured, environment, table, three


def ratio(value):
    """A ratio by which Consonance is faster; bold where it is slower."""
    if value is None:
        return "—"
    return f"**{value:.2f}**" if value < 1 else f"{value:.2f}"


def step_tables(results, measured):
    heads = [TITLES[s] for s in measured.subjects]
    described, times, modes = [], [], []
    for name, w in results["workloads"].items():
        loss = "cross-entropy" if w["loss"] == "cross_entropy" else "mean squared error"
        optimizer = {"sgd": "gradient descent" if w["full_batch"] else "SGD"}
        described.append(
            [name, f"{w['layers']} {w['activation']}", w["batch"], w["rows"],
             f"{optimizer.get(w['optimizer'], 'Adam')} {w['learning_rate']}", loss]
        )
        best = [measured.best(name, s) for s in measured.subjects]
        fastest = min((b[0] for b in best if b), default=None)
        cells = [three(b[0] if b else None) for b in best]
        times.append([name] + [
            f"**{c}**" if b and b[0] == fastest else c for b, c in zip(best, cells)
        ])
        modes.append([name] + [b[1] if b else "—" for b in best])
    return f"""## The workloads

{table(["workload", "layers", "batch", "rows", "optimiser", "loss"], described)}

## Microseconds a step

The best mode of each, the fastest of a row in bold.

{table(["workload", *heads], times)}

The modes these are the times of:

{table(["workload", *heads], modes)}"""


def ratio_table(results, measured):
    rows, all_ratios = [], defaultdict(list)
    for name in results["workloads"]:
        ours = measured.median(name, "consonance")
        ratios = {}
        for peer in measured.peers:
            theirs = measured.median(name, peer)
            if ours and theirs:
                ratios[peer] = theirs / ours
                all_ratios[peer].append(theirs / ours)
        if ratios:
            closest = min(ratios, key=ratios.get)
            all_ratios["best"].append(ratios[closest])
            first = f"{ratio(ratios[closest])} ({TITLES[closest]})"
        else:
            first = "—"
        rows.append([name, first] + [ratio(ratios.get(p)) for p in measured.peers])
    mean = {
        p: statistics.geometric_mean(r) if len(r) == len(rows) else None
        for p, r in all_ratios.items()
    }
    rows.append(["geometric mean"] + [ratio(mean.get(p)) for p in ["best", *measured.peers]])
    heads = ["workload", "best peer", *(TITLES[p] for p in measured.peers)]
    return f"""## How many times faster Consonance is

A peer's time over Consonance's, the best mode of each. Below 1, in bold, the peer is faster.

{table(heads, rows)}"""


def efficiency_table(results, measured):
    rows = []
    for name in results["workloads"]:
        best = measured.best(name, "consonance")
        if not best:
            rows.append([name] + ["error"] * 7)
            continue
        records = measured.rounds[name, "consonance", best[1]]

        def median(key):
            return statistics.median(r[key] for r in records if r[key] is not None)

        on_unit = [r["matrix_unit_gflops"] for r in records if r.get("matrix_unit_gflops")]
        matrix_unit = three(statistics.median(on_unit)) if on_unit else "none"
        low, high = min(t := measured.times(name, "consonance", best[1])), max(t)
        rows.append(
            [name, best[1], three(best[0]), f"{three(low)} to {three(high)}",
             three(median("gflops")), three(median("ceiling_gflops")), matrix_unit,
             f"{100 * median('efficiency'):.0f} %", f"{median('allocations_per_step'):g}"]
        )
    heads = ["workload", "mode", "µs", "rounds, least to most", "GFLOP/s", "ceiling GFLOP/s",
             "matrix unit GFLOP/s", "efficiency", "allocations a step"]
    return f"""## Consonance's efficiency

As `consonance bench` tells it: the products of a step, 2·B·(3·ΣW − W₁) operations, over its time
and over what the best library reaches at square products in f32 arithmetic, in the same process.
The matrix unit is no part of that ceiling: it multiplies bf16, three for each f32, and `fused` gives it
products with long sums only; square products on it reach what the column says. The ceiling and the
efficiency are of the first {results["settings"]["ceiling_rounds"]} rounds.

{table(heads, rows)}"""


def loss_table(results, measured):
    s = results["settings"]
    rows = []
    for peer in measured.peers:
        cells = []
        for name in results["workloads"]:
            errors = [
                r["loss_error"] for r in results["steps"]
                if (r["workload"], r["subject"]) == (name, peer) and "loss_error" in r
            ]
            cells.append(f"{max(errors):.0e}" if errors else "error")
        rows.append([TITLES[peer], *cells])
    return f"""## The same computation

Everyone starts from the same parameters and sees the same mini-batches of the same data. The
largest relative difference of a mode's first {s["checked_steps"]} losses from the same steps in
float64, over all modes and rounds. A mode above {s["loss_tolerance"]:g} has no time. Consonance
draws data of the same shapes itself; its tests compare its losses with PyTorch's.

{table(["peer", *results["workloads"]], rows)}"""


def process_table(results):
    groups = defaultdict(list)
    for r in results["processes"]:
        groups[r["program"], r["threads"]].append(r)
    rows = []
    for (program, threads), records in sorted(groups.items()):
        title = f"{TITLES[program]}, {threads} thread{'s' if threads > 1 else ''}"
        errors = [r["error"] for r in records if "error" in r]
        if errors:
            rows.append([title, f"error: {errors[0]}", "", ""])
            continue

        def median(key):
            return statistics.median(r[key] for r in records)

        rows.append(
            [title, f"{median('seconds'):.2f}", f"{median('megabytes'):.0f}",
             f"{100 * median('accuracy'):.1f} %"]
        )
    return f"""## From a cold start to trained digits

Whole processes: 64-256-128-10 relu, Adam 0.001, 30 epochs of mini-batches of 32 on 80 % of the
1,797 digits, then the accuracy on the others, each program's own split (`torch_train.py`, eager;
`consonance train --quiet --json`, which also writes its model). Medians over the rounds.

{table(["program", "seconds", "peak memory, MB", "held-out accuracy"], rows)}"""


def report(results):
    measured = Measured(results)
    ours = "consonance" in measured.subjects
    parts = [
        """# Consonance and its peers

Written by `scripts/peers/report.py` from a run of `scripts/peers/run.sh`. A step is gather
(but for `seed`, whose one mini-batch is the whole set in its order), forward, backward and update,
in f32. Everyone takes turns, a process each time; a process warms up and times single steps (JAX:
sixteen short ones together), and answers their median; the tables have the median over the rounds.
Compilation and start are not counted. A peer's modes are each of its backends, interfaces and
numbers of threads; the best one counts, for Consonance too.""",
        environment(results),
        step_tables(results, measured),
        ratio_table(results, measured) if ours else None,
        efficiency_table(results, measured) if ours else None,
        loss_table(results, measured) if measured.peers else None,
        process_table(results) if results["processes"] else None,
        f"## Errors\n\n{measured.error_list()}" if measured.errors else None,
    ]
    return "\n\n".join(p for p in parts if p)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sections = []
    for path in sys.argv[1:]:
        with open(path) as file:
            results = json.load(file)
        sections.append(growth.section(results) if "series" in results else report(results))
    print("\n\n".join(sections))
