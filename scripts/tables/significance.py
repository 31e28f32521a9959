"""Whether one program's test losses are worse than another's, over the test rows of a few seeds.

Each seed has its own test rows, and both programs answered the same ones, so the sample is the
differences of their losses, row by row. Rows vary, and so do a seed's two networks. If the seeds'
means differ no more than the scatter of rows explains (F test at 25 %, the usual level for
pooling), rows of all seeds are pooled: the differences of squared errors by a t test; those of
right and wrong answers by the exact sign test (McNemar's), since few rows differ. Else the seeds'
means are the sample: a paired t test with one degree of freedom less than there are seeds.

Three score differences alone have two degrees of freedom: a difference has to be 4.3 times its own
standard error before that test sees it, which would let a program pass that loses everywhere by a
little. Its verdict is kept beside the other as `by_seeds`.

Tests are two-sided at 5 %, so that of programs that do not differ 2.5 % are called worse.
"""

import numpy as np
from scipy import stats

LEVEL = 0.05
POOLING = 0.25


def verdict(p, difference):
    if not p < LEVEL or difference == 0:
        return "same"
    return "worse" if difference > 0 else "better"


def compare(differences):
    """Of one array of ours minus theirs a seed: the verdict on ours, and by seeds alone."""
    differences = [d for d in differences if len(d)]
    means = np.array([d.mean() for d in differences])
    rows = np.concatenate(differences)
    by_seeds = verdict(t_test(means), means.mean())
    if len(means) > 1 and seeds_differ(differences):
        return by_seeds, by_seeds
    if np.isin(rows, (-1, 0, 1)).all():
        p = sign_test(rows)
    else:
        p = t_test(rows)
    return verdict(p, rows.mean()), by_seeds


def t_test(values):
    """The two-sided p value of a mean of 0; 1 where nothing can be said."""
    if len(values) < 2 or not values.any():
        return 1.0
    deviation = values.std(ddof=1)
    if deviation == 0:
        return 0.0
    t = values.mean() / (deviation / np.sqrt(len(values)))
    return float(2 * stats.t.sf(abs(t), len(values) - 1))


def sign_test(rows):
    worse, better = int((rows > 0).sum()), int((rows < 0).sum())
    return stats.binomtest(worse, worse + better).pvalue if worse + better else 1.0


def seeds_differ(differences):
    """Whether the seeds' means differ by more than the scatter of their rows explains."""
    rows = np.concatenate(differences)
    free = len(rows) - len(differences)
    within = sum(((d - d.mean()) ** 2).sum() for d in differences)
    between = sum(len(d) * (d.mean() - rows.mean()) ** 2 for d in differences)
    if free < 1 or within == 0:
        return between > 0
    ratio = (between / (len(differences) - 1)) / (within / free)
    return bool(stats.f.sf(ratio, len(differences) - 1, free) < POOLING)
