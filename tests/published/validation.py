"""`docs/validation.md`: what was published beside what the settings give. Run as a module, it prints the page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sim.calibration.target_values import Simulated
from sim.calibration.targets import Figure, Kind, Target, Use
from tests.published.calibration import before_calibration, simulated, target_files, targets

PATIENTS = 50_000
SEED = 11

COLUMNS = (
    "id",
    "population",
    "endpoint",
    "time",
    "published",
    "n",
    "accepted",
    "before calibration",
    "simulated (95% Monte Carlo)",
    "",
    "kind",
    "source",
)

INTRODUCTION = """\
# Validation

This page compares published results with the results of the clinical settings. `scenarios/targets/` contains the published results,
`scenarios/targets/runs/` the settings with the outcomes that correspond to them. Each run has {patients:,} patients (seed {seed}),
adults, children and young adults together unless the target is restricted to one group. `make validation` writes this page; a smaller run
in `make test` checks every row.

**Before calibration** every parameter that is [calibrated](calibration.md) has the median of its prior, the assumption that it replaces. The
external courses are held back: they are not used in the calibration.

A row is **in** if the simulated value is in the accepted interval, and **out** otherwise. Every row that is out is explained below.

**input**: a parameter was set to the published number or derived from it. Such a row shows that the pathway reproduces its inputs (no rate
is applied twice, no denominator is wrong) by construction; it does not validate the model. **emergent**: no parameter was set from the
number. **External validation** are whole courses (W) that were looked up after the settings were complete and held back; of some series
other endpoints are inputs. Where a whole course had missed, the settings were changed by the mechanism that was lacking, with published
numbers of their own, and the course became a target of calibration (CC): it no longer validates anything. Nor do the trials of the
commercial products (ELIANA, ZUMA-3), which are targets of the calibration of the products (PR).
"""

TOLERANCES = """\
## How the accepted intervals were set

All are 95% intervals.

- *printed*: the interval in the source.
- *Wilson*: for a proportion, from n (Wilson 1927). For a cumulative incidence it assumes no censoring and is therefore slightly too narrow.
- *quartiles*, *extremes*: for a median, from n and the published quartiles or extremes, with log-normal times, plus half a day on each side
  where times are in whole days.
- *median of n*: from n alone, with exponential times: a factor of exp(1.96 / (ln 2 sqrt n)) on each side.
- *within 20%*: only the value is known; 20% on each side is a choice.

The Monte Carlo interval of a simulated value contains the simulation error of the run, and not the uncertainty of the parameters."""

DISAGREEMENTS = (
    "Remission in second salvage: 33% after a failed first salvage (GMALL, CA-7), 30.9% in the control arm of INO-VATE (CA-10), 25% "
    "in that of TOWER (CA-9), 18% in the older MDACC series (CA-12). The intervals of the first and the last do not overlap. The "
    "settings use GMALL for the second line and MDACC for the third; INO-VATE and MDACC are compared in patients with the remission "
    "of their own series, so that their survival is what is simulated.",
    "First salvage: 42% (GMALL, CA-7), whereas 52.8% of the relapses in GRAALL reached a second remission (CA-8). Later "
    "lines, which the latter includes, explain a part of the difference: with them 46% are simulated.",
    "Transplant after chemotherapy: 24% in the control arm of TOWER and 10.5% in that of INO-VATE (CA-15), with similar remission "
    "rates. The setting is near the former; the survival of the latter is simulated with its own access to transplant.",
    "Tisagenlecleucel: manufacture failed in 3.7% of patients in the UK and in 8.2% in ELIANA. Infusion was 60 days after screening "
    "in the UK and 43 days after enrolment in ELIANA and ENSIGN (CA-20 to CA-23). The commercial setting describes the UK service, the ELIANA-like "
    "patients have the times and failures of the trial.",
    "The onset of CRS has quartiles of 2, 5 and 7 days (CA-36). They are skewed to the left, and no gamma distribution has such "
    "quartiles: the fitted one has 2.4, 4.4 and 7.2, and truncation at day 14 reduces the median further. With times in whole days "
    "this is within the accepted interval.",
    "Neurotoxicity of tisagenlecleucel: any grade in 11.6% of the registry (CA-35), in 40% of ELIANA on another scale. The commercial "
    "setting uses the registry.",
    "CNS disease and ICANS: grade 3 and above in 22.9% of an academic series of CNS leukaemia (CA-38), and with brexucabtagene in "
    "35.5% against 30%. Each setting uses the series of its own product. For tisagenlecleucel there is none, and the children and "
    "young adults of the commercial setting have the distribution of the academic series.",
    "Survival after relapse that follows CAR-T: the published medians (CA-34) combine successful and failed salvage, which the "
    "pathway needs separately. The split is an assumption.",
    "Survival after a relapse that follows CAR-T is a median of 7.5 and 11.9 months in the US (CA-34). In Chinese series survival and "
    "leukaemia-free survival differ by 4 points at two years without transplant (CC-12) and not at all at one year after a donor-derived "
    "product (CC-15), so that few can have lived longer than three months after a relapse. The academic setting has the hazard of the latter.",
    "Leukaemia-free survival at two years without transplant: 32.8% of 67 in China (CC-12), 50.3% of 578 children and young adults "
    "(CA-31), and 42% of adults by the course of their products (X-22). Half of the patients of the academic setting are young.",
    "Survival at five years after relapse of adults without CAR-T: 7% (UKALL12, CC-2), 10% (PETHEMA, CC-3), 13.3% (GRAALL, CC-1); at "
    "three years 24% in GMALL (W-1). The settings lie at PETHEMA.",
    "In agreement: 5.7% of adults with B-ALL had a CNS recurrence, counted from diagnosis (CA-6). With 91% in first remission, of "
    "whom 42% relapse, this is 14.9% of relapses; 13.8% were observed (CA-3).",
)


DIRECTIONS = (
    ("CC-2 later relapse", "CC-2 early relapse"),
    ("CC-10 intermediate", "CC-10 early"),
    ("CC-10 late", "CC-10 intermediate"),
    ("CC-4 inotuzumab", "CC-4 chemotherapy"),
    ("CC-13 with MRD", "CC-13 without MRD"),
    ("CC-14 event-free, later relapse", "CC-14 event-free, relapse within 6 months"),
    ("CC-14 overall, later relapse", "CC-14 overall, relapse within 6 months"),
    ("CA-7 first salvage", "CA-7 second, the first failed"),
    ("CA-7 first salvage", "CA-7 first, after transplant"),
    ("CA-27", "CA-26"),
    ("CA-30 marrow", "CA-30 CNS"),
    ("CA-34 children and young adults", "CA-34 adults"),
)
"""Pairs of figures, the greater of the published first."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a target with what was simulated, and what was before calibration."""

    target: Target
    figure: Figure
    simulated: Simulated
    before: float

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
            quantity(self.before, figure.unit) + ("" if figure.accepted().holds(self.before) else ", out"),
            f"{quantity(found.value, figure.unit)} ({between(found.low, found.high, figure.unit)})",
            "in" if self.is_in else "**out**",
            figure.kind or "-",
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

    def before(chosen: list[Row]) -> list[Row]:
        values = [replace(row.simulated, value=row.before) for row in chosen]
        return [replace(row, simulated=one) for row, one in zip(chosen, values, strict=True)]

    parts = [row for row in rows if row.figure.use is Use.CALIBRATION]
    held_back = [row for row in rows if row.figure.use is Use.VALIDATION]
    yield from table(
        ("", "targets with every figure in", "figures in"),
        (
            line(
                "external validation: whole courses that no parameter was set from or calibrated to",
                held_back,
            ),
            line("the same before calibration", before(held_back)),
            line("calibration targets", parts),
            line("the same before calibration", before(parts)),
            line(
                "of these, by construction (input)", [row for row in parts if row.figure.kind is Kind.INPUT]
            ),
            line("of these, emergent", [row for row in parts if row.figure.kind is Kind.EMERGENT]),
        ),
    )


def of(some: int, all_: int) -> str:
    return f"{some} of {all_} ({some / all_:.0%})"


def directions(rows: Sequence[Row]) -> Iterator[str]:
    """Which of two published results is the greater, and whether it is in the simulation."""
    found = {row.figure.label: row for row in rows}
    pairs = [(found[more], found[less]) for more, less in DIRECTIONS]
    right = sum(more.simulated.value > less.simulated.value for more, less in pairs)
    yield "## Directions\n"
    yield f"Of two published results one is greater. In {of(right, len(pairs))} it is in the simulation, too.\n"
    yield from table(
        ("greater", "less", "published", "simulated", "", "kind"),
        (
            (
                f"{more.figure.target} {endpoint(more.target, more.figure)}",
                f"{less.figure.target} {endpoint(less.target, less.figure)}",
                *(
                    f"{quantity(a, more.figure.unit)} and {quantity(b, less.figure.unit)}"
                    for a, b in (
                        (more.figure.published, less.figure.published),
                        (more.simulated.value, less.simulated.value),
                    )
                ),
                "right" if more.simulated.value > less.simulated.value else "**wrong**",
                "input" if Kind.INPUT in (more.figure.kind, less.figure.kind) else "emergent",
            )
            for more, less in pairs
        ),
    )


def not_compared() -> Iterator[str]:
    yield "## Published results that cannot be compared\n"
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
    for file in target_files():
        own = {target.id for target in file.targets}
        chosen = (row.cells() for row in rows if row.target.id in own)
        lines += [f"## {file.title}\n", *table(COLUMNS, chosen)]
    lines += directions(rows)
    lines += ["## Rows that are out, with reasons\n"]
    lines += [
        f"- **{row.target.id}** {endpoint(row.target, row.figure)} ({row.target.population}; published "
        f"{quantity(row.figure.published, row.figure.unit)}, simulated {quantity(row.simulated.value, row.figure.unit)}). {row.figure.miss}"
        for row in rows
        if not row.is_in
    ]
    lines += ["\n## Published results that disagree\n", *(f"- {text}" for text in DISAGREEMENTS), ""]
    lines += [*not_compared(), TOLERANCES]
    return "\n".join(lines) + "\n"


def rows(*, patients: int = PATIENTS, seed: int = SEED) -> list[Row]:
    before = before_calibration(patients=patients, seed=seed)
    return [
        Row(target, figure, simulated(figure, patients=patients, seed=seed), before[figure.label])
        for target in targets()
        for figure in target.applicable
    ]


if __name__ == "__main__":
    sys.stdout.write(page(rows()))
