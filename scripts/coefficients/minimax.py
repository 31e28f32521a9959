#!/usr/bin/env python3
"""Derives the polynomials of crates/host/src/math by Remez's exchange algorithm.

    pip install mpmath && python3 scripts/coefficients/minimax.py

prints each of them as Rust, lowest degree first, with the largest relative error its exact
coefficients and its rounded ones leave in the function it stands for.
"""

import math
import struct
from mpmath import mp, mpf

mp.dps = 50


def chebyshev_points(count, low, high):
    """Dense at the ends; with an even count none lies in the middle, where weights may vanish."""
    return [
        (low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (i + mpf(1) / 2) / count)
        for i in range(count)
    ]


def horner(coefficients, x):
    result = mpf(0)
    for c in reversed(coefficients):
        result = result * x + c
    return result


def remez(values, degree):
    """The coefficients of the polynomial p of `degree` that minimises max |weight·(p(x) − y)|
    over `values`, triples of x, y and weight in the order of x."""
    heaviest = max(w for _, _, w in values)
    values = [v for v in values if v[2] > heaviest * mpf("1e-20")]
    step = len(values) // (degree + 2)
    chosen = values[step // 2 :: step][: degree + 2]
    for _ in range(30):
        matrix = mp.matrix(degree + 2)
        right = mp.matrix(degree + 2, 1)
        for i, (x, y, w) in enumerate(chosen):
            for j in range(degree + 1):
                matrix[i, j] = x**j
            matrix[i, degree + 1] = (-1) ** i / w
            right[i] = y
        solution = mp.lu_solve(matrix, right)
        coefficients, levelled = list(solution)[:-1], abs(solution[degree + 1])
        errors = [w * (horner(coefficients, x) - y) for x, y, w in values]
        # the largest error of each run of one sign
        peaks = []
        for i, error in enumerate(errors):
            if error == 0:
                continue
            if peaks and (errors[peaks[-1]] > 0) == (error > 0):
                if abs(error) > abs(errors[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > degree + 2:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        worst = max(abs(e) for e in errors)
        if len(peaks) < degree + 2 or worst < levelled * mpf("1.001"):
            break
        chosen = [values[i] for i in peaks]
    return coefficients


def rounded(c, precision):
    code = "f" if precision == "f32" else "d"
    return struct.unpack(code, struct.pack(code, float(c)))[0]


def round_together(exact, values):
    """Rounds the coefficients to f32, then moves them in pairs by units in the last place for as
    long as that makes the largest error smaller: their rounding errors make up for each other."""
    final = [rounded(c, "f32") for c in exact]
    errors = [float(w * (horner(final, x) - y)) for x, y, w in values]
    moves = [(0, 0.0, [0.0] * len(values))]
    for j, c in enumerate(final):
        unit = 2.0 ** (math.frexp(c)[1] - 24)
        for step in (-unit, unit):
            moves.append((j, step, [float(w * step * x**j) for x, _, w in values]))
    worst = max(abs(e) for e in errors)
    while True:
        best = None
        for m, (i, a, first) in enumerate(moves):
            for j, b, second in moves[m + 1 :]:
                largest = 0.0
                for e, p, q in zip(errors, first, second):
                    largest = max(largest, abs(e + p + q))
                    if largest >= worst:
                        break
                else:
                    worst, best = largest, (i, a, first, j, b, second)
        if best is None:
            return final
        i, a, first, j, b, second = best
        final[i] += a
        final[j] += b
        errors = [e + p + q for e, p, q in zip(errors, first, second)]


def fit(name, precision, f, weight, degree, low, high):
    grid = chebyshev_points(60 * (degree + 2), mpf(low), mpf(high))
    values = [(x, f(x), weight(x)) for x in grid]
    exact = remez(values, degree)
    # in f64 the rounding is far below what the arithmetic around it loses
    if precision == "f32":
        final = round_together(exact, values)
    else:
        final = [rounded(c, precision) for c in exact]

    def error(coefficients):
        worst = max(w * abs(horner(coefficients, x) - y) for x, y, w in values)
        return mp.nstr(mp.log(worst, 2), 4)

    print(
        f"// {name}, {precision}: degree {degree} on [{mp.nstr(mpf(low), 5)}, "
        f"{mp.nstr(mpf(high), 5)}], relative error 2^{error(exact)}, rounded 2^{error(final)}"
    )
    for c in final:
        print(f"    {repr(c) if precision == 'f64' else shortest_f32(c)},")


def shortest_f32(c):
    for digits in range(1, 10):
        text = f"{c:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == c:
            return repr(float(text))
    return repr(c)


def split_ln2(precision, bits):
    """ln 2 as high + low, where high has `bits` bits, so that n·high is exact."""
    scale = mpf(2) ** bits
    high = mp.floor(mp.log(2) * scale) / scale
    return rounded(high, precision), rounded(mp.log(2) - high, precision)


# e^r = 1 + r + r²·q(r). The weight makes the error relative to e^r − 1, which is the smaller.
def exp_q(r):
    if abs(r) < mpf("1e-10"):
        return mpf(1) / 2 + r / 6 + r * r / 24
    return (mp.expm1(r) - r) / r**2


def exp_weight(r):
    return abs(r * r / mp.expm1(r)) if r != 0 else mpf(0)


# 2·artanh(s) = 2s + s·z·l(z) with z = s²: the error relative to 2·artanh(s).
def artanh_l(z):
    if z < mpf("1e-12"):
        return mpf(2) / 3 + 2 * z / 5
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) / s - 2) / z


def artanh_weight(z):
    s = mp.sqrt(z)
    return s * z / (2 * mp.atanh(s)) if z > 0 else mpf(0)


# Φ(−a) = e^(−a²/2)·p(t)/(a + c) with t = (a − k)/(a + k): the error relative to Φ(−a). k spreads
# the interval evenly; c makes p flat at a = 0, where t carries its largest rounding error.
def tail(k, c):
    def p(t):
        a = k * (1 + t) / (1 - t)
        return (a + c) * mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2

    return p


if __name__ == "__main__":
    half_ln2 = mp.log(2) / 2 * mpf("1.0001")
    print("// ln 2, f32:", split_ln2("f32", 16))
    print("// ln 2, f64:", split_ln2("f64", 42))
    fit("exp", "f32", exp_q, exp_weight, 5, -half_ln2, half_ln2)
    fit("exp", "f64", exp_q, exp_weight, 10, -half_ln2, half_ln2)
    fit("log1p", "f32", artanh_l, artanh_weight, 3, 0, mpf(1) / 9)
    fit("log1p", "f64", artanh_l, artanh_weight, 9, 0, mpf(1) / 9)
    for precision, k, degree, end in (("f32", 4, 10, 14.5), ("f64", 6, 22, 39)):
        p = tail(mpf(k), mpf("1.25"))
        fit("tail", precision, p, lambda t: 1 / p(t), degree, -1, (mpf(end) - k) / (mpf(end) + k))
