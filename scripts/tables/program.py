"""Consonance, run as its user would: on files, without a flag but the target.

(What a program needs to read the answers, or an experiment to be repeated, is no choice a user has
to make: --json, -q, --out, --seed, and --test-fraction 0 where the script itself holds rows out.)
"""

import csv
import io
import json
import math
import os
import subprocess

# Cells that a reader of tables may take for missing beside the empty one: where the target has
# such a cell, `evaluate` may leave the row out or count it.
MARKS = {"", ".", "?", "-", "*", "na", "n/a", "nan", "null", "none", "missing", "unknown"}

# Roles of a column that the network does not see.
UNUSED = ("passed", "ignored", "dropped", "target")


class Failure(Exception):
    """A table that does not work. Its kind: `refused` with a message, `panic`, `time-out`, or
    `wrong` where the program was content but should not have been."""

    def __init__(self, kind, command, message):
        super().__init__(message)
        self.kind, self.command, self.message = kind, command, message


def run(program, folder, arguments, limit):
    """What the program prints when run in `folder`."""
    command = arguments[0]
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env=os.environ | {"RUST_BACKTRACE": "0"},
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        raise Failure("time-out", command, f"not ready after {limit:g} s") from None
    if done.returncode == 0:
        return done.stdout
    message = done.stderr.strip()
    if done.returncode != 1 or "panicked" in message:
        status = f"exit status {done.returncode}"
        raise Failure("panic", command, f"{status}: {message or 'no message'}")
    if not message:
        raise Failure("wrong", command, "exit status 1 without a message")
    raise Failure("refused", command, message.removeprefix("error: "))


def run_json(program, folder, arguments, limit):
    printed = run(program, folder, arguments, limit)
    try:
        return json.loads(printed.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        raise Failure("wrong", arguments[0], "its output ends without JSON") from None


def train(program, folder, file, target, limit, flags=()):
    """(what it says of the run, the model's file)"""
    out = "run-" + file.removesuffix(".csv")
    arguments = ["train", file, f"--target={target}", "--json", "-q", "--out", out, *flags]
    result = run_json(program, folder, arguments, limit)
    return result, f"{out}/model.safetensors"


def evaluate(program, folder, model, file, limit):
    """The scores, and the task that they belong to."""
    scores = run_json(program, folder, ["evaluate", model, file, "--json"], limit)
    scores = scores.get("test", scores)
    name = "accuracy" if "accuracy" in scores else "rmse"
    value = scores.get(name)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Failure("wrong", "evaluate", f"{name} is {value}")
    return scores


def predict(program, folder, model, file, rows, limit):
    """The answer for each of the file's rows, as text."""
    printed = run(program, folder, ["predict", model, file], limit)
    answers = [row[0] for row in list(csv.reader(io.StringIO(printed)))[1:]]
    if len(answers) != rows:
        raise Failure("wrong", "predict", f"{len(answers)} answers for {rows} rows")
    return answers


def task_of(result, folder, model, scores):
    """The task that the program took: what it says, or what its settings say, or its scores."""
    settings = (folder / model).with_name("settings.json")
    said = [result, json.loads(settings.read_text()) if settings.exists() else {}]
    for source in said:
        if source.get("task") in ("classification", "regression"):
            return source["task"]
    return "classification" if "accuracy" in scores else "regression"


def names(columns):
    return [c.get("name") if isinstance(c, dict) else c for c in columns or []]


def uses(result, column):
    """Whether the network sees a column, by what `train` says; it does if nothing is said."""
    if column in names(result.get("passed_over")):
        return False
    features = result.get("features")
    if not isinstance(features, list):
        return True
    roles = {c["name"]: str(c.get("role", "")) for c in features if isinstance(c, dict)}
    return column in names(features) and not roles.get(column, "").startswith(UNUSED)


def number(cell):
    """The number in a cell, NaN where there is none."""
    try:
        return float(cell)
    except ValueError:
        return math.nan


def same(answer, cell):
    """Whether two cells name one class: the same text, or the same number."""
    return answer.strip() == cell.strip() or number(answer) == number(cell)


def losses(answers, targets, task):
    """For each row 0 or 1, or the squared error; NaN where there is no target."""
    if task == "regression":
        known = [number(t) if math.isfinite(number(t)) else math.nan for t in targets]
        return [(number(a) - t) ** 2 for a, t in zip(answers, known)]
    return [float(not same(a, t)) if t.strip() else math.nan for a, t in zip(answers, targets)]


def expect_answers(answers, task):
    """Each is a class, or a number."""
    for row, answer in enumerate(answers, 1):
        if not answer.strip() or task == "regression" and not math.isfinite(number(answer)):
            raise Failure("wrong", "predict", f"the answer for row {row} is {answer!r}")


def expect_agreement(scores, answers, targets, task):
    if not agree(scores, answers, targets, task):
        raise Failure("wrong", "evaluate", f"{scores} does not follow from the answers")


def agree(scores, answers, targets, task):
    """Whether `evaluate` says of a file what follows from the answers of `predict`, whether or not
    marks such as NA are taken for missing targets."""
    every = losses(answers, targets, task)
    marked = [t.strip().lower() in MARKS for t in targets]
    for left_out in ([False] * len(targets), marked):
        kept = [x for x, out in zip(every, left_out) if not out and not math.isnan(x)]
        if not kept:
            continue
        mean = math.fsum(kept) / len(kept)
        if task == "classification" and abs(1 - mean - scores["accuracy"]) < 1e-6:
            return True
        # answers are printed in f32
        if task == "regression" and math.isclose(
            math.sqrt(mean), scores["rmse"], rel_tol=1e-3, abs_tol=1e-6 * spread(targets)
        ):
            return True
    return False


def spread(targets):
    return max((abs(x) for x in map(number, targets) if math.isfinite(x)), default=0.0)
