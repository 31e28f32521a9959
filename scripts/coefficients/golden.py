#!/usr/bin/env python3
"""Values of the activation functions to more than double precision, for the tests of f64.

    pip install mpmath
    python3 scripts/coefficients/golden.py > crates/host/tests/data/math_f64.txt

A line holds the function, the bits of x, the bits of the double y nearest to f(x), and
(f(x) − y) in units in the last place of y. An argument sets the number of lines a function gets.
"""

import math
import random
import struct
import sys
from mpmath import mp, mpf

mp.dps = 60

FUNCTIONS = {
    "exp": (mp.exp, -745.5, 709.75),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), -745.5, 40),
    "tanh": (mp.tanh, -20, 20),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), -745.5, 40),
    "silu": (lambda x: x / (1 + mp.exp(-x)), -752.5, 40),
    "gelu": (lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, -38.6, 10),
    "elu": (lambda x: mp.expm1(x) if x < 0 else x, -40, 1),
}


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def arguments(low, high, count):
    for i in range(count):
        if i % 3 == 0:
            yield random.uniform(low, high)
        elif i % 3 == 1:
            yield random.uniform(-2, 2)
        else:
            sign, limit = random.choice([(-1, -low), (1, high)])
            yield sign * math.exp(random.uniform(-40, math.log(limit)))


if __name__ == "__main__":
    random.seed(20)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for name, (f, low, high) in FUNCTIONS.items():
        for x in arguments(low, high, count):
            exact = f(mpf(x))
            y = float(exact)
            rest = (exact - mpf(y)) / mpf(math.ulp(y))
            print(f"{name} {bits(x):016x} {bits(y):016x} {float(rest):+.3f}")
