"""Draws against numpy's Philox and the known answers of Random123; no draw knows of another."""

from __future__ import annotations

import math
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config, njit
from scipy import stats

from sim.numerics.philox import philox, uniform
from sim.pathway.rows import name_key
from tests.command import output_of_python
from tests.machine_code import machine_code

WORD = 1 << 64
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
COUNT = st.integers(0, (1 << 62))


def first_word(counter: tuple[int, ...], key: tuple[int, ...]) -> int:
    """numpy's first word at a counter: numpy counts up before it draws, so it is started one lower."""
    whole = (sum(word % WORD << 64 * i for i, word in enumerate(counter)) - 1) % (1 << 256)
    before = np.array([whole >> 64 * i & (WORD - 1) for i in range(4)], dtype=np.uint64)
    generator = np.random.Philox(counter=before, key=np.array(key, dtype=np.uint64))
    return int(generator.random_raw())


@given(COUNT, COUNT, COUNT, INT64, COUNT)
def test_every_draw_is_numpys_philox(
    seed: int, replication: int, patient: int, key: int, occurrence: int
) -> None:
    word = first_word((patient + 1, occurrence, key, 0), (seed, replication))
    assert (
        machine_code(uniform)(seed, replication, patient, key, occurrence) == ((word >> 12) + 0.5) * 2.0**-52
    )


@pytest.mark.parametrize(
    ("counter", "key", "first"),
    [
        ((0, 0, 0, 0), (0, 0), 0x16554D9ECA36314C),
        ((WORD - 1,) * 4, (WORD - 1,) * 2, 0x87B092C3013FE90B),
        (
            (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            (0x452821E638D01377, 0xBE5466CF34E90C6C),
            0xA528F45403E61D95,
        ),
    ],
)
def test_known_answers_of_random123(counter: tuple[int, ...], key: tuple[int, ...], first: int) -> None:
    """Source: kat_vectors of Random123, philox4x64 with 10 rounds, doi:10.1145/2063384.2063405."""
    # compiled it takes words; uncompiled numbers without a size, which it cuts off itself
    words = [word if config.DISABLE_JIT else np.uint64(word) for word in (*counter, *key)]
    assert int(machine_code(philox)(*words)) == first


def test_a_uniform_is_never_0_or_1() -> None:
    lowest, highest = 0.5 * 2.0**-52, ((1 << 52) - 0.5) * 2.0**-52
    assert lowest > 0.0
    assert highest < 1.0
    assert 1.0 - highest == lowest, "the grid is symmetrical, and 1 - u is exact"


@given(st.text(max_size=40))
def test_a_name_is_hashed_with_blake2b(name: str) -> None:
    key = name_key(name)
    assert key % WORD == int.from_bytes(blake2b(name.encode("utf-8"), digest_size=8).digest(), "little")
    assert -(1 << 63) <= key < 1 << 63


# ---------------------------------------------------------------- independence

N = 400_000
CLOSE = 5.0 / math.sqrt(N)
"""Five standard errors of a correlation: the smallest that is caught is 0.0079."""
WARD, CLINIC = name_key("ward.death"), name_key("ward.relapse")


@njit
def draws(seed: int, replication: int, key: int, occurrence: int, n: int) -> np.ndarray:
    found = np.empty(n)
    for patient in range(n):
        found[patient] = uniform(seed, replication, patient, key, occurrence)
    return found


@pytest.fixture(scope="module")
def base() -> np.ndarray:
    return draws(1, 0, WARD, 0, N)


def test_draws_are_uniform(base: np.ndarray) -> None:
    """A Kolmogorov distance beyond 0.0042 is caught (probability 5.7e-7 by chance)."""
    distance = stats.kstest(base, "uniform").statistic
    assert distance < 2.72 / math.sqrt(N)


def test_neighbouring_patients_are_independent(base: np.ndarray) -> None:
    for lag in (1, 2, 3, 1000):
        assert abs(np.corrcoef(base[lag:], base[:-lag])[0, 1]) < CLOSE
        tails = np.corrcoef(base[lag:] < 0.05, base[:-lag] < 0.05)[0, 1]
        assert abs(tails) < CLOSE


@pytest.mark.parametrize(
    ("seed", "replication", "key", "occurrence"),
    [
        (2, 0, WARD, 0),
        (1, 1, WARD, 0),
        (0, 1, WARD, 0),
        (1, 0, CLINIC, 0),
        (1, 0, WARD + 1, 0),
        (1, 0, WARD, 1),
    ],
    ids=["seed", "replication", "seed and replication exchanged", "name", "next key", "occurrence"],
)
def test_other_draws_of_a_patient_are_independent(
    base: np.ndarray, seed: int, replication: int, key: int, occurrence: int
) -> None:
    other = draws(seed, replication, key, occurrence, N)
    assert abs(np.corrcoef(base, other)[0, 1]) < CLOSE
    assert abs(np.corrcoef(base**2, (1.0 - other) ** 2)[0, 1]) < CLOSE
    assert abs(np.corrcoef(base[1:], other[:-1])[0, 1]) < CLOSE


def test_compiled_or_not_a_draw_is_the_same() -> None:
    program = (
        "from sim.numerics.philox import uniform\n"
        "from sim.pathway.rows import name_key\n"
        "from tests.machine_code import machine_code\n"
        "for i in range(50):\n"
        "    print(machine_code(uniform)(2**62 - i, i, i**9, name_key(str(i)), 3 * i).hex())"
    )
    assert output_of_python(program) == output_of_python(program, is_compiled=False)
