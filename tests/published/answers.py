"""Three answers with their three kinds of uncertainty: simulation, parameters and structure.

An effect is the difference in survival after five years, in percentage points, between the two lines with transplant
and the strategy that leaves one part out. The structural range is that of the effects under each file of
`scenarios/structural/` and the base case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from sim.engine.run import simulate
from sim.event_log.log import EventLog
from sim.pathway.tables import compile_pathway
from sim.psa_frames import PsaFrames
from sim.scenario import load
from tests.published.columns import Columns

SCENARIOS = Path(__file__).parents[2] / "scenarios"
POPULATIONS = SCENARIOS / "populations"
STRUCTURAL = tuple(sorted((SCENARIOS / "structural").glob("*.yaml")))
COMBINED_IN_ADULTS = str(POPULATIONS / "cns_combined.yaml")
REFERENCE = "two_lines_then_transplant"
WITHOUT_CD22 = "parameters.max_cd22={value: 0}"
PATIENTS, STRUCTURE_PATIENTS, SEED, YEARS = 40_000, 20_000, 9, 5
BEGIN, END = "<!-- answers -->", "<!-- end of answers -->"


@dataclass(frozen=True, slots=True)
class Question:
    """arm: the strategy that leaves out what is asked about. gains, loses: the answer where all agree."""

    text: str
    arm: str
    what: str
    gains: str
    loses: str


QUESTIONS = (
    Question(
        "Is CNS disease a reason to withhold CAR-T?",
        "car_t_withheld_for_cns",
        "CAR-T, compared with withholding it,",
        "No: it is not a reason",
        "Yes: it is a reason",
    ),
    Question(
        "What does the second product add?",
        "one_line_then_transplant",
        "The second product (donor-derived; against CD22 where CD19 is lost)",
        "It adds survival",
        "It costs survival",
    ),
    Question(
        "What does transplant after CAR-T add, and for whom?",
        "two_lines_no_transplant",
        "Transplant in every remission after CAR-T, compared with none,",
        "It adds survival",
        "It costs survival",
    ),
)

WHOM = {
    "academic product, adults": ("academic", "adult_first_relapse", "all"),
    "of these, MRD-positive": ("academic", "adult_first_relapse", "mrd"),
    "of these, B cells back within 6 months": ("academic", "adult_first_relapse", "lost"),
    "academic product, children and young adults": ("academic", "child_young_adult", "all"),
    "tisagenlecleucel, ELIANA-like": ("commercial", "eliana", "all"),
    "brexucabtagene, ZUMA-3-like": ("commercial", "zuma_3", "all"),
    "obecabtagene, FELIX-like": ("commercial", "felix", "all"),
}
"""In whom transplant is asked about: the setting, the population and the group of those in remission."""


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate with its two ends, in percentage points."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:+.1f} to {self.high:+.1f}"

    @property
    def crosses_zero(self) -> bool:
        return self.low < 0 < self.high


@dataclass(frozen=True, slots=True)
class Effect:
    """structure: the lowest and highest effect of the structural files, lowest and highest: their labels."""

    simulation: Range
    parameters: Range | None
    structure: Range
    lowest: str
    highest: str


def simulated(path: Path, patients: int, *files: str) -> EventLog:
    """The event log of a strategy with these files set."""
    scenario = load(path, settings=(*files, f"patients.number={patients}"))
    return simulate(compile_pathway(scenario), seed=SEED).log


@cache
def alive(path: Path, patients: int, *files: str) -> NDArray[np.bool_]:
    """Whether each patient is alive after five years."""
    return np.asarray(simulated(path, patients, *files).ends > YEARS * 365.25)


@cache
def ever(path: Path, patients: int, group: str, *files: str) -> NDArray[np.bool_]:
    """Whether each patient is in remission after the first product, and then of this group."""
    rows = Columns(simulated(path, patients, *files))
    first = rows.enters("car_t_remission") & (rows.value("car_t_lines") == 1)
    if group == "mrd":
        chosen = first & rows.among("marrow", "cr_mrd_pos")
    elif group == "lost":
        chosen = rows.among("aplasia_lost_early", "true") & (rows.value("car_t_lines") == 1)
    else:
        chosen = first
    found = np.zeros(rows.log.n_patients, dtype=bool)
    found[rows.patient[chosen]] = True
    return found


def paired(with_it: NDArray[np.bool_], without: NDArray[np.bool_]) -> Range:
    """The difference of the same patients, with its 95% interval."""
    pairs = 100.0 * (with_it.astype(float) - without.astype(float))
    half = 1.96 * pairs.std(ddof=1) / np.sqrt(len(pairs))
    mean = float(pairs.mean())
    return Range(mean, mean - half, mean + half)


def label_of(file: Path) -> str:
    label = yaml.safe_load(file.read_text("utf-8"))["label"]
    return str(label[0].lower() + label[1:])


def difference(with_it: Path, without: Path, patients: int, *files: str, group: str = "") -> Range:
    """Survival with a part less survival without it: of all patients, or of a group of those without it."""
    arms = [alive(path, patients, *files) for path in (with_it, without)]
    if group:
        mask = ever(without, patients, group, *files)
        arms = [one[mask] for one in arms]
    return paired(arms[0], arms[1])


def structural_range(
    with_it: Path, without: Path, population: str, base: float, *, group: str = ""
) -> tuple[Range, str, str]:
    """The effects under each structural file and in the base case: their range, and the files at its ends."""
    effects = {"the base case": base}
    for file in STRUCTURAL:
        found = difference(with_it, without, STRUCTURE_PATIENTS, population, str(file), group=group)
        effects[label_of(file)] = found.estimate
    lowest, highest = (end(effects, key=effects.__getitem__) for end in (min, max))
    return Range(base, effects[lowest], effects[highest]), lowest, highest


def strategy(setting: str, name: str) -> Path:
    return SCENARIOS / "strategies" / setting / f"{name}.yaml"


def effect(
    with_it: Path, without: Path, population: str, parameters: Range | None = None, *, group: str = ""
) -> Effect:
    simulation = difference(with_it, without, PATIENTS, population, group=group)
    structure = structural_range(with_it, without, population, simulation.estimate, group=group)
    return Effect(simulation, parameters, *structure)


def parameter_intervals(found: PsaFrames) -> Mapping[str, Range]:
    """For each arm the effect of what it leaves out, after the last time of the analysis."""
    rows = found.estimates.query("measure == 'survival' and reference != ''")
    last = rows[rows.time_days == rows.time_days.max()]
    return {
        row.arm: Range(-100 * row.mean, -100 * row.high, -100 * row.low)
        for row in last.itertuples(index=False)
    }


def verdict(question: Question, effect: Effect) -> str:
    """The second sentence: the answer where structure and parameters agree, else that it is undetermined."""
    if effect.structure.crosses_zero:
        return (
            f"Undetermined: the structural alternatives range from a loss ({effect.lowest}) to a gain "
            f"({effect.highest})."
        )
    if effect.parameters is not None and effect.parameters.crosses_zero:
        return "Undetermined: all structural alternatives agree on the direction, and the parameters do not."
    answer = question.gains if effect.structure.low >= 0 else question.loses
    return f"{answer}; every structural alternative agrees on the direction."


def answer(question: Question, effect: Effect) -> str:
    """Two sentences."""
    by = f"simulation {effect.simulation}"
    if effect.parameters is not None:
        by += f"; parameters {effect.parameters}"
    size = f"{effect.simulation.estimate:+.1f} points"
    return (
        f"**{question.text}** {question.what} changes survival after {YEARS} years by {size} ({by}; structure "
        f"{effect.structure}). {verdict(question, effect)}"
    )


def answers(found: PsaFrames) -> str:
    """One item for each question, for adults with combined relapse at an academic centre."""
    intervals = parameter_intervals(found)
    reference = strategy("academic", REFERENCE)
    items = [
        answer(
            one,
            effect(reference, strategy("academic", one.arm), COMBINED_IN_ADULTS, intervals[one.arm]),
        )
        for one in QUESTIONS
    ]
    items[1] = f"{items[1].removesuffix('.')}; {by_product()}."
    items[-1] = f"{items[-1].removesuffix('.')}; {for_whom()}."
    return "\n".join((BEGIN, *(f"- {item}" for item in items), END))


def by_product() -> str:
    """What the donor-derived product adds alone, and the product against CD22 to it, for the end of a sentence."""
    both = alive(strategy("academic", REFERENCE), PATIENTS, COMBINED_IN_ADULTS)
    donor = alive(strategy("academic", REFERENCE), PATIENTS, COMBINED_IN_ADULTS, WITHOUT_CD22)
    neither = alive(strategy("academic", QUESTIONS[1].arm), PATIENTS, COMBINED_IN_ADULTS)
    alone, added = (paired(*pair).estimate for pair in ((donor, neither), (both, donor)))
    return f"the donor-derived product alone adds {alone:+.1f} points, the product against CD22 another {added:+.1f}"


@cache
def effects_by_group() -> Mapping[str, Effect]:
    """The effect of transplant in every remission after one product, of those in remission after it."""
    found = {}
    for name, (setting, population, group) in WHOM.items():
        arms = [strategy(setting, f"one_line_{end}") for end in ("then_transplant", "no_transplant")]
        found[name] = effect(arms[0], arms[1], str(POPULATIONS / f"{population}.yaml"), group=group)
    return found


def for_whom() -> str:
    """The range over products and groups, for the end of a sentence."""
    ends = {name: found.simulation.estimate for name, found in effects_by_group().items()}
    low, high = (end(ends, key=ends.__getitem__) for end in (min, max))
    names = [name.removeprefix("of these, ") for name in (low, high)]
    return f"in those in remission it lies between {ends[low]:+.1f} ({names[0]}) and {ends[high]:+.1f} ({names[1]})"


def by_group() -> list[tuple[str, ...]]:
    """Of each product and group the effect, its structural range and the verdict."""
    rows = []
    for name, found in effects_by_group().items():
        direction = "gain" if found.structure.low >= 0 else "loss"
        said = "undetermined" if found.structure.crosses_zero else direction
        rows.append(
            (name, f"{found.simulation.estimate:+.1f} ({found.simulation})", str(found.structure), said)
        )
    return rows


def of_structure() -> list[tuple[str, ...]]:
    """The effect of each question under each structural file."""
    reference = strategy("academic", REFERENCE)
    rows = []
    for file in STRUCTURAL:
        cells = []
        for one in QUESTIONS:
            without = strategy("academic", one.arm)
            found = difference(reference, without, STRUCTURE_PATIENTS, COMBINED_IN_ADULTS, str(file))
            cells.append(f"{found.estimate:+.1f} ({found})")
        rows.append((f"`{file.name}`", *cells))
    return rows


def replace_answers(text: str, block: str) -> str:
    """A page with its answers replaced."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert begin and end, "the page has no place for the answers"
    return head + block + tail
