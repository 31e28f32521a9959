"""What every Python peer shares: its command line, its clock and its answer.

    python X_peer.py FOLDER SECONDS [MODE]

FOLDER is a workload's (see workloads.py), SECONDS the time to measure each mode for, or the one
that is named. Threads are the caller's business: run.py sets the environment. The answer is one JSON object on stdout:
`{"version": …, "modes": {mode: {"losses": […], "microseconds": {…}, "steps": n} or {"error": …}}}`.
"""

import json
import statistics
import sys
import time
import traceback

from workloads import CHECKED_STEPS, Data

# The median over the rounds makes up for the few of them.
FEWEST_CALLS = 2
# Enough for a median, too few to learn random targets by heart, where numbers become subnormal.
MOST_STEPS = 1600


def measure(run, seconds, steps_a_call=1):
    """Times `run(call)`, which trains for `steps_a_call` steps and answers their losses, at first
    for the losses alone, then to warm up, then in earnest."""
    losses, call = [], 0
    while len(losses) < CHECKED_STEPS:
        losses += [float(loss) for loss in run(call)]
        call += 1

    warm = time.perf_counter() + seconds / 5
    while time.perf_counter() < warm and call * steps_a_call < MOST_STEPS / 5:
        run(call)
        call += 1

    times = []
    end = time.perf_counter() + seconds
    while len(times) < FEWEST_CALLS or (
        time.perf_counter() < end and len(times) * steps_a_call < MOST_STEPS
    ):
        start = time.perf_counter_ns()
        run(call)
        times.append((time.perf_counter_ns() - start) / 1000 / steps_a_call)
        call += 1
    tenths = statistics.quantiles(times, n=10, method="inclusive")
    return {
        "losses": losses[:CHECKED_STEPS],
        "microseconds": {"median": statistics.median(times), "p10": tenths[0], "p90": tenths[-1]},
        "steps": len(times) * steps_a_call,
    }


def main(version, modes):
    """Measures each of `modes`: name to a function that begins anew from the data's parameters
    and answers `run` and the steps of one call of it."""
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    data, seconds = Data(sys.argv[1]), float(sys.argv[2])
    if len(sys.argv) == 4:
        if sys.argv[3] not in modes:
            sys.exit(f"no mode '{sys.argv[3]}'; there are: {'; '.join(modes)}")
        modes = {sys.argv[3]: modes[sys.argv[3]]}
    answers = {}
    for name, begin in modes.items():
        try:
            run, steps_a_call = begin(data)
            answers[name] = measure(run, seconds, steps_a_call)
        except Exception as error:  # one mode's failure is its answer; the others go on
            traceback.print_exc()
            answers[name] = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    print(json.dumps({"version": version, "modes": answers}))
