"""`docs/validation.md`: what was published beside what the settings give. Run as a module, it prints the page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.published.calibration import Figure, Simulated, Target, simulated, targets

PATIENTS = 50_000
SEED = 11

SECTIONS = (
    ("Relapse, salvage and conventional treatment", range(1, 20)),
    ("CAR-T: the way to it, response, toxicity", range(20, 50)),
    ("Second and donor-derived CAR-T, transplant", range(50, 100)),
)
"""Heading and the numbers of its targets."""

COLUMNS = (
    "id",
    "population",
    "endpoint",
    "time",
    "published",
    "n",
    "accepted",
    "simulated (95% Monte Carlo)",
    "",
    "kind",
    "source",
)

INTRODUCTION = """\
# Validation

Written by `make validation`; `tests/published/targets.yaml` holds what was published, `tests/published/runs/` the settings
with the outcomes that measure it. Each run has {patients:,} patients (seed {seed}), adults and the young together unless the
target is about one of them. A smaller run in `make test` holds every row to this page.

A row is **in** when the simulated value lies in the accepted interval, **out** when it does not. Each row that is out is
explained below. Nothing was adjusted to bring one in without a published number to adjust it to.

**input**: a parameter was set to the published number, or derived from it. That such a row is in shows that the pathway
does not spoil what was put in (a rate applied twice, a wrong denominator); it is no validation. **emergent**: no parameter
was set from it. Only these rows validate, and most of all the whole courses, which were looked up when the settings were done; some
are of series of which other endpoints did go in.
"""

TOLERANCES = """\
## How the accepted intervals were set

All are of 95%. *printed*: as the source printed it. *Wilson*: of a share, from n (Wilson 1927); of a cumulative incidence too, as
if nobody had been censored, which makes it a little too narrow. *quartiles*, *extremes*: of a median, from n and the quartiles or
extremes that stand beside it, the times taken as log-normal, and half a day either way where times are in whole days. *median
of n*: from n alone, the times taken as exponential, a factor of exp(1.96 / (ln 2 sqrt n)) either way. *within 20%*: nothing
but the value is known, and a fifth either way is a choice. The Monte Carlo interval beside a simulated value holds the
error of the run and nothing of the parameters' own uncertainty."""

DISAGREEMENTS = (
    "Remission in second salvage: 33% after a failed first one (GMALL, CA-7), 30.9% in INO-VATE's control arm (CA-10), 25% in TOWER's "
    "(CA-9), 18% in the older MDACC series (CA-12). The intervals of the first and the last do not meet. The settings take GMALL "
    "for the second line and MDACC for the third.",
    "First salvage: 42% (GMALL, CA-7), while 52.8% of GRAALL's relapses came to a second remission (CA-8). Both hold if later lines "
    "are counted in the latter, as they are here.",
    "Transplant after chemotherapy: 24% in TOWER's control arm, 10.5% in INO-VATE's (CA-15), at similar rates of remission.",
    "Tisagenlecleucel: manufacture failed in 3.7% in the UK and 8.2% in ELIANA, and infusion came at 60 days from screening there and "
    "43 days from enrolment here (CA-20 to CA-23). The commercial setting is the UK's service.",
    "CRS begins at quartiles of 2, 5 and 7 days (CA-36). They lean to the left, and no gamma law has them: the fitted one has 2.4, 4.4 and "
    "7.2, and the cut at day 14 takes the median down again. With times in whole days this is inside.",
    "Neurotoxicity of tisagenlecleucel: any grade in 11.6% of the registry (CA-35), in 40% of ELIANA on another scale. The commercial "
    "setting takes the registry.",
    "CNS disease and ICANS: grade 3 and above in 22.9% of an academic series of CNS leukaemia (CA-38) and in 35.5% against 30% with "
    "brexucabtagene. Each setting takes the series of its own product; for tisagenlecleucel there is none, and the young of the "
    "commercial setting have the academic vector.",
    "Survival after relapse that follows CAR-T: the published medians (CA-34) hold successes and failures of salvage together, and the "
    "pathway needs them apart. The split is an assumption.",
    "Relapse after transplant: 19.7% at two years after CAR-T (CA-62), while in GRAALL three quarters of second remissions had ended "
    "by five years, transplanted or not. The settings know one course, that after CAR-T, for every transplant (W-2).",
    "In agreement: CNS recurrence in 5.7% of adults with B-ALL from diagnosis (CA-6), with 91% in first remission and 42% of these "
    "relapsing, makes 14.9% of relapses; 13.8% were counted (CA-3).",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a target with what was simulated."""

    target: Target
    figure: Figure
    simulated: Simulated

    @property
    def is_in(self) -> bool:
        return self.figure.accepted().holds(self.simulated.value)

    def cells(self) -> tuple[str, ...]:
        """As `COLUMNS`."""
        figure, accepted, found = self.figure, self.figure.accepted(), self.simulated
        return (
            figure.target,
            self.target.population,
            endpoint(self.target, figure),
            self.target.time or "-",
            quantity(figure.published, figure.unit),
            "-" if figure.n is None else f"{figure.n:,}",
            f"{between(accepted.low, accepted.high, figure.unit)}, {accepted.rule}",
            f"{quantity(found.value, figure.unit)} ({between(found.low, found.high, figure.unit)})",
            "in" if self.is_in else "**out**",
            figure.kind,
            self.target.citation,
        )


def endpoint(target: Target, figure: Figure) -> str:
    return target.endpoint if figure.name == "all" else f"{target.endpoint}: {figure.name}"


def number(value: float, unit: str) -> str:
    return f"{100 * value:.1f}" if not unit else "not reached" if value == float("inf") else f"{value:.3g}"


def quantity(value: float, unit: str) -> str:
    return f"{number(value, unit)}%" if not unit else f"{number(value, unit)} {unit}"


def between(low: float, high: float, unit: str) -> str:
    return f"{number(low, unit)} to {number(high, unit)}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def counts(rows: Sequence[Row]) -> Iterator[str]:
    """How many are in: targets (all their figures), and figures."""

    def line(name: str, chosen: list[Row]) -> tuple[str, ...]:
        ids = {row.figure.target for row in chosen}
        out = {row.figure.target for row in chosen if not row.is_in}
        return (name, of(len(ids - out), len(ids)), of(sum(row.is_in for row in chosen), len(chosen)))

    parts = [row for row in rows if not row.target.is_whole_course]
    yield from table(
        ("", "targets with every figure in", "figures in"),
        (
            line("calibration targets, all that apply", parts),
            line("of these, input", [row for row in parts if row.figure.kind == "input"]),
            line("of these, emergent", [row for row in parts if row.figure.kind == "emergent"]),
            line("whole courses, all emergent", [row for row in rows if row.target.is_whole_course]),
        ),
    )


def of(some: int, all_: int) -> str:
    return f"{some} of {all_} ({some / all_:.0%})"


def not_compared() -> Iterator[str]:
    yield "## What cannot be compared\n"
    yield from table(
        ("id", "population", "endpoint", "published", "n", "why not", "source"),
        (
            (
                target.id,
                target.population,
                endpoint(target, figure),
                quantity(figure.published, figure.unit),
                "-" if figure.n is None else f"{figure.n:,}",
                figure.not_applicable,
                target.citation,
            )
            for target in targets()
            for figure in target.figures
            if not figure.applies
        ),
    )


def page(rows: Sequence[Row]) -> str:
    """The whole of `docs/validation.md`."""
    lines = [INTRODUCTION.format(patients=PATIENTS, seed=SEED), *counts(rows)]
    for heading, numbers in SECTIONS:
        chosen = [
            row
            for row in rows
            if not row.target.is_whole_course and int(row.target.id.removeprefix("CA-")) in numbers
        ]
        lines += [f"## {heading}\n", *table(COLUMNS, (row.cells() for row in chosen))]
    lines += [
        "## The whole course\n",
        *table(COLUMNS, (row.cells() for row in rows if row.target.is_whole_course)),
    ]
    lines += ["## What is out, and why\n"]
    lines += [
        f"- **{row.target.id}** {endpoint(row.target, row.figure)} ({row.target.population}; published "
        f"{quantity(row.figure.published, row.figure.unit)}, simulated {quantity(row.simulated.value, row.figure.unit)}). {row.figure.miss}"
        for row in rows
        if not row.is_in
    ]
    lines += ["\n## Where the published parts disagree\n", *(f"- {text}" for text in DISAGREEMENTS), ""]
    lines += [*not_compared(), TOLERANCES]
    return "\n".join(lines) + "\n"


def rows(*, patients: int = PATIENTS, seed: int = SEED) -> list[Row]:
    return [
        Row(target, figure, simulated(figure, patients=patients, seed=seed))
        for target in targets()
        for figure in target.applicable
    ]


if __name__ == "__main__":
    sys.stdout.write(page(rows()))
