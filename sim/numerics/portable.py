"""Logarithm and exponential from + - * / alone.

These operations are rounded alike on every processor, so the same argument gives the same
bits everywhere, compiled or not. All functions take and give one float64; errors are below about
one unit in the last place unless said otherwise.

Logarithm and exponential by tables and short Taylor series, after Tang, ACM Transactions on
Mathematical Software 15 (1989), 144-157, doi:10.1145/63522.214389, and 16 (1990), 378-400,
doi:10.1145/98267.98294; expm1 with the coefficients of fdlibm (Sun Microsystems 1993, `e_exp.c`).
"""

from __future__ import annotations

import math
import struct
from decimal import Decimal, localcontext
from math import inf, isnan, nan

import numpy as np
from numpy.typing import NDArray

from sim.numerics.compilation import compiled, primitive

# ---------------------------------------------------------------- the bits of a float64


def bits_of(x: float) -> int:
    """The 64 bits of a float64, read as a signed integer."""
    return int(struct.unpack("<q", struct.pack("<d", x))[0])


def float_of(bits: int) -> float:
    """The float64 with these 64 bits."""
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


primitive(bits_of, lambda build, v, to: build.bitcast(v[0], to), "int64", "float64")
primitive(float_of, lambda build, v, to: build.bitcast(v[0], to), "float64", "int64")

MANTISSA = 0x000FFFFFFFFFFFFF
LOWEST_MANTISSA = 0x3FE6000000000000
"""Bits of 0.6875: mantissas are taken from there to 1.375, so that 1 lies within."""
CELLS, PARTS = 128, 64
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""ln 2 in two; the first has 32 bits, so that its product with an exponent is exact."""
PART_HIGH, PART_LOW, PER_PART = LN2_HIGH / PARTS, LN2_LOW / PARTS, PARTS / 0.6931471805599453
PER_LN2 = 1.4426950408889634


def log_table() -> NDArray[np.float64]:
    """For each cell of mantissas its centre, 1 / centre, and log centre in two: exactly rounded.

    The two cells beside 1 have 1 for their centre. Shape [CELLS, 4]; the first part of the
    logarithm is a multiple of 2^-40, so that its sum with exponent x LN2_HIGH is exact.
    """
    table = np.empty((CELLS, 4))
    with localcontext() as context:
        context.prec = 40
        for cell in range(CELLS):
            first, last = (
                struct.unpack("<d", struct.pack("<q", LOWEST_MANTISSA + (edge << 45)))[0]
                for edge in (cell, cell + 1)
            )
            centre = 1.0 if 1.0 in (first, last) else 0.5 * (first + last)
            exact = Decimal(centre).ln()
            high = math.ldexp(round(math.ldexp(float(exact), 40)), -40)
            table[cell] = centre, float(1 / Decimal(centre)), high, float(exact - Decimal(high))
    return table


def power_of_two_table() -> NDArray[np.float64]:
    """2^(j / PARTS) for j = 0 ... PARTS - 1: the number nearest and what it lacks. Shape [PARTS, 2]."""
    table = np.empty((PARTS, 2))
    with localcontext() as context:
        context.prec = 40
        for j in range(PARTS):
            exact = Decimal(2) ** (Decimal(j) / PARTS)
            table[j] = float(exact), float(exact - Decimal(float(exact)))
    return table


LOGS, POWERS = log_table(), power_of_two_table()

# ---------------------------------------------------------------- logarithm and exponential


@compiled
def log(x: float) -> float:
    """Natural logarithm: -inf at 0, nan below."""
    if not 2.2250738585072014e-308 <= x < inf:
        if x == 0.0:
            return -inf
        if x == inf:
            return inf
        if not x > 0.0:
            return nan
        return log_from(bits_of(x * 18014398509481984.0), -54.0, 0.0)
    return log_from(bits_of(x), 0.0, 0.0)


@compiled
def log_from(bits: int, exponent: float, extra: float) -> float:
    """Logarithm of the positive normal number with these bits, plus exponent * ln 2, plus a small extra.

    With centre c of its cell and r = m / c - 1, log m = log c + r - r^2 / 2 + r^3 / 3 - ...
    """
    shifted = bits - LOWEST_MANTISSA
    k = float(shifted >> 52) + exponent
    cell = (shifted >> 45) & (CELLS - 1)
    m = float_of((shifted & MANTISSA) + LOWEST_MANTISSA)
    r = (m - float(LOGS[cell, 0])) * float(LOGS[cell, 1])
    y = r * r
    series = (-0.5 + r * 0.3333333333333333) + y * (
        (-0.25 + r * 0.2) + y * ((-0.16666666666666666 + r * 0.14285714285714285) - y * 0.125)
    )
    known = k * LN2_HIGH + float(LOGS[cell, 2])
    high = known + r
    return high + (((known - high) + r) + ((k * LN2_LOW + float(LOGS[cell, 3]) + extra) + y * series))


@compiled
def log1p(x: float) -> float:
    """Logarithm of 1 + x, accurate near 0; -inf at -1, nan below."""
    if not -1.0 < x < inf:
        return -inf if x == -1.0 else (inf if x == inf else nan)
    if -1e-16 < x < 1e-16:
        return x
    y = 1.0 + x
    lost = x - (y - 1.0) if x < 1.0 else 1.0 - (y - x)
    if lost == 0.0:
        return log_from(bits_of(y), 0.0, 0.0)
    return log_from(bits_of(y), 0.0, lost / y)


@compiled
def unit_hazard(u: float) -> float:
    """-log(1 - u), the cumulative hazard at which a share u has happened, for u in (0, 1)."""
    y = 1.0 - u
    lost = (1.0 - y) - u
    if lost == 0.0:
        return -log_from(bits_of(y), 0.0, 0.0)
    return -log1p(-u)


@compiled
def exp(x: float) -> float:
    """The exponential; 0 below -745.2, inf above 709.8."""
    if not -708.0 < x < 709.0:
        if isnan(x):
            return nan
        if x > 709.782712893384:
            return inf
        if x < -745.1332191019412:
            return 0.0
        return exp_scaled(x, 1 if x > 0.0 else -60)
    parts = int(PER_PART * x + (0.5 if x >= 0.0 else -0.5))
    return exp_of_parts(x, parts) * float_of(((parts >> 6) + 1023) << 52)


@compiled
def exp_scaled(x: float, shift: int) -> float:
    """The exponential where its power of two would overflow or be subnormal: put on in two steps."""
    parts = int(PER_PART * x + (0.5 if x >= 0.0 else -0.5))
    k = (parts >> 6) - shift
    return exp_of_parts(x, parts) * float_of((k + 1023) << 52) * float_of((shift + 1023) << 52)


@compiled
def exp_of_parts(x: float, parts: int) -> float:
    """The exponential of x, less the whole powers of two among the 64ths of ln 2 nearest to x."""
    r = (x - float(parts) * PART_HIGH) - float(parts) * PART_LOW
    y = r * r
    series = (0.5 + r * 0.16666666666666666) + y * (
        (0.041666666666666664 + r * 0.008333333333333333) + y * 0.001388888888888889
    )
    nearest = float(POWERS[parts & (PARTS - 1), 0])
    return nearest + (float(POWERS[parts & (PARTS - 1), 1]) + nearest * (r + y * series))


@compiled
def correction(r: float) -> float:
    """The c with exp(r) = 1 + r + r c / (2 - c)."""
    t = r * r
    return r - t * (
        1.66666666666666019037e-01
        + t
        * (
            -2.77777777770155933842e-03
            + t
            * (
                6.61375632143793436117e-05
                + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08)
            )
        )
    )


@compiled
def expm1(x: float) -> float:
    """exp(x) - 1, accurate near 0."""
    if x > 40.0:
        return exp(x) - 1.0
    if x < -38.0:
        return -1.0
    if isnan(x):
        return nan
    if -1e-17 < x < 1e-17:
        return x
    k = int(PER_LN2 * x + (0.5 if x >= 0.0 else -0.5))
    high = x - float(k) * LN2_HIGH
    low = float(k) * LN2_LOW
    r = high - low
    c = correction(r)
    gain = high - (low - (r * c) / (2.0 - c))
    if k == 0:
        return gain
    power_of_two = float_of((k + 1023) << 52)
    return power_of_two * gain + (power_of_two - 1.0)


@compiled
def power(x: float, y: float) -> float:
    """The power y of x, x >= 0; relative error about 1e-16 times |y log x|. 0 to the power 0 is 1."""
    if y == 0.0 or x == 1.0:
        return 1.0
    if x == 0.0:
        return 0.0 if y > 0.0 else inf
    return exp(y * log(x))


@compiled
def round_to_grid(days: float) -> float:
    """The nearest point of a grid of 2^-20 day, half to even; beyond 2^31 days unchanged."""
    scaled = days * 1048576.0
    if not -2251799813685248.0 < scaled < 2251799813685248.0:
        return days
    return ((scaled + 6755399441055744.0) - 6755399441055744.0) / 1048576.0
