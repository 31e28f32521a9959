"""What is made of a measurement's records: medians over the rounds, and tables in Markdown."""

import math
import statistics
from collections import defaultdict

TITLES = {
    "consonance": "Consonance",
    "torch": "PyTorch",
    "jax": "JAX",
    "sklearn": "scikit-learn",
    "numpy": "numpy",
    "candle": "candle-nn",
    "burn-flex": "burn flex",
    "burn-ndarray": "burn ndarray",
}


class Measured:
    """The steps' records, as medians over the rounds."""

    def __init__(self, results):
        self.rounds = defaultdict(list)  # (workload, subject, mode) to records
        self.errors = defaultdict(int)  # (workload, subject, mode, message) to a count
        for r in results["steps"]:
            key = r["workload"], r["subject"], r["mode"]
            if "error" in r:
                self.errors[*key, r["error"]] += 1
            else:
                self.rounds[key].append(r)
        failed = {key[:3] for key in self.errors}
        # a mode that failed once has no time
        self.rounds = {key: r for key, r in self.rounds.items() if key not in failed}
        found = {r["subject"] for r in results["steps"]}
        self.subjects = [s for s in TITLES if s in found]
        self.peers = [s for s in self.subjects if s != "consonance"]

    def times(self, workload, subject, mode):
        return [r["microseconds"]["median"] for r in self.rounds[workload, subject, mode]]

    def best(self, workload, subject, threads=None):
        """The smallest median over the rounds of any mode (or any with so many threads), and that
        mode; or None."""
        modes = [
            m for (w, s, m), records in self.rounds.items()
            if (w, s) == (workload, subject) and threads in (None, records[0]["threads"])
        ]
        medians = [(statistics.median(self.times(workload, subject, m)), m) for m in modes]
        return min(medians, default=None)

    def median(self, workload, subject, threads=None):
        best = self.best(workload, subject, threads)
        return best[0] if best else None

    def error_list(self):
        return "\n".join(
            f"- {TITLES[subject]}, {workload}, {mode} ({count} times): {message}"
            for (workload, subject, mode, message), count in self.errors.items()
        )


def environment(results):
    m, v, s = results["machine"], results["versions"], results["settings"]
    virtual = ", virtual machine" if m["hypervisor"] else ""
    load = ", ".join(f"{l:.1f}" for l in m["load_before"])
    titles = {"consonance": "", "python": "Python ", "rustc": ""}
    shown = [titles.get(k, f"{TITLES.get(k)} ") + v[k] for k in v if v[k]]
    threads = " and ".join(map(str, s["threads"]))
    return f"""- Processor: {m["cpu"]}, {m["cores"]} cores{virtual}; {" ".join(m["instructions"])}
- System: {m["os"]}, {m["kernel"]}; load before the start {load}
- Versions: {"; ".join(shown)}
- {s["rounds"]} rounds of {s["seconds"]} s for each mode; {threads} threads; measured on \
{results["date"]}"""


def table(head, rows):
    align = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [head, align, *rows])


def three(value):
    """Three significant digits, without an exponent."""
    if value is None:
        return "error"
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f}"
