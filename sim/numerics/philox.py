"""Chance: every draw is a pure function of who draws, what for, and how often before.

Philox4x64-10, a counter turned into random words by ten rounds of multiplication: Salmon, Moraes,
Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC11 (2011), doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from typing import Any

from sim.numerics.compilation import compiled, primitive

MULTIPLY_FIRST, MULTIPLY_THIRD = 0xD2E7470EE14C6C93, 0xCA5A826395121157
WEYL_SEED, WEYL_REPLICATION = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
ROUNDS = 10

# ---------------------------------------------------------------- words of 64 bits, without sign

WORD = (1 << 64) - 1


def word(a: int) -> int:
    """The bits of a signed integer as a word."""
    return int(a) & WORD


def plus(a: int, b: int) -> int:
    """The sum, modulo 2^64."""
    return (a + b) & WORD


def low_half(a: int, b: int) -> int:
    """The product, modulo 2^64."""
    return (a * b) & WORD


def high_half(a: int, b: int) -> int:
    """The product, divided by 2^64, rounded down."""
    return (a * b) >> 64


def leading(a: int) -> float:
    """The 52 leading bits as a number."""
    return float(a >> 12)


def _high_half(build: Any, v: Any, to: Any) -> Any:
    wide = type(to)(128)
    product = build.mul(build.zext(v[0], wide), build.zext(v[1], wide))
    return build.trunc(build.lshr(product, wide(64)), to)


def _leading(build: Any, v: Any, to: Any) -> Any:
    return build.sitofp(build.lshr(v[0], v[0].type(12)), to)


primitive(word, lambda build, v, to: v[0], "uint64", "int64")
primitive(plus, lambda build, v, to: build.add(v[0], v[1]), "uint64", "uint64", "uint64")
primitive(low_half, lambda build, v, to: build.mul(v[0], v[1]), "uint64", "uint64", "uint64")
primitive(high_half, _high_half, "uint64", "uint64", "uint64")
primitive(leading, _leading, "float64", "uint64")


# ---------------------------------------------------------------- draws


@compiled
def philox(first: int, second: int, third: int, fourth: int, seed: int, replication: int) -> int:
    """The first word of Philox4x64-10 at a counter of four words under a key of two."""
    for _ in range(ROUNDS - 1):
        above, below = high_half(MULTIPLY_FIRST, first), high_half(MULTIPLY_THIRD, third)
        fourth, first, second, third = (
            low_half(MULTIPLY_FIRST, first),
            below ^ second ^ seed,
            low_half(MULTIPLY_THIRD, third),
            above ^ fourth ^ replication,
        )
        seed, replication = plus(seed, WEYL_SEED), plus(replication, WEYL_REPLICATION)
    return high_half(MULTIPLY_THIRD, third) ^ second ^ seed


@compiled
def uniform(seed: int, replication: int, patient: int, key: int, occurrence: int) -> float:
    """A uniform in (0, 1), on the odd multiples of 2^-53: never 0 or 1.

    patient counts from 0; key: the hash of the draw's name; occurrence: how often this patient has
    made the draw before. All int64.
    """
    counter = word(patient + 1), word(occurrence), word(key)
    first = philox(counter[0], counter[1], counter[2], word(0), word(seed), word(replication))
    return (leading(first) + 0.5) * 2.220446049250313e-16
