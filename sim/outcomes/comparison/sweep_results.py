"""The cells of a sweep: what each came to, and how it differs from the reference, number by number."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.event_log.log import EventLog, ResourceUse
from sim.outcomes import labels
from sim.outcomes.comparison.differences import Difference, leaf, of_groups
from sim.outcomes.comparison.differences import over_replications as between_replications
from sim.outcomes.comparison.paired import is_same
from sim.outcomes.endpoints.endpoint import Measure
from sim.outcomes.entries import interval, number
from sim.outcomes.evaluation import Group, Reader
from sim.outcomes.findings import Findings, bare
from sim.outcomes.intervals import UNKNOWN, Estimate, Path, over_replications, without_intervals
from sim.outcomes.queues.waiting_burden import burden
from sim.outcomes.summary import account, summary, why_no_interval
from sim.scenario.language.model import Outcome, Scenario

PAIRED_REPLICATIONS = "Student, over paired replications"
PAIRED_PATIENTS = "Student, over paired patients"


@dataclass(frozen=True, slots=True, eq=False)
class Headline:
    """One outcome in all patients it is about; outcome None: one of `burden`.

    note: why one replication gives no interval over patients, "" where it does.
    """

    outcome: Outcome | None
    facts: Mapping[Path, Any]
    group: Group
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """What one cell came to.

    summary: what `summarise` tells of it. headlines: by outcome; burden: by name. window: what is
    observed of a patient, in words. patients: a digest of when they start and of each attribute at
    the start, by which cells tell whether they have the same; n_patients: in the log.
    """

    summary: dict[str, Any]
    headlines: Mapping[str, Headline]
    burden: Mapping[str, Headline]
    window: Mapping[str, str]
    patients: Mapping[str, str]
    n_patients: int


def read_cell(
    log: EventLog, use: ResourceUse, scenario: Scenario, *, at: Sequence[float], seed: int, replications: int
) -> Cell:
    """Read all outcomes of a cell. at: days, as in `summarise`."""
    reader = Reader(log, use, scenario, at=at, replications=replications)
    headlines: dict[str, Headline] = {}
    findings: list[Findings] = []
    for outcome in scenario.outcomes:
        reading = reader.read(outcome)
        findings.append(reading.findings())
        headlines[outcome.name] = _headline(reader, outcome, reading.measure, reading.whole)
    about = {"seed": seed, "replications": replications}
    counted = np.flatnonzero(reader.counted)
    return Cell(
        summary(account(reader, findings), about),
        headlines,
        {
            name: _headline(reader, None, measure, reader.group(measure, counted))
            for name, measure in burden(reader.history).items()
        },
        _window(scenario),
        _patients(log),
        log.n_patients,
    )


def _headline(reader: Reader, outcome: Outcome | None, measure: Measure, group: Group) -> Headline:
    note = why_no_interval(reader.scenario, measure.interval_kind) if reader.replications == 1 else ""
    return Headline(outcome, measure.facts, group, note)


def _window(scenario: Scenario) -> dict[str, str]:
    follow_up = scenario.patients.follow_up
    return {
        "horizon": labels.time_in_prose(scenario.horizon),
        "follow-up": "to the horizon" if follow_up is None else labels.time_in_prose(follow_up),
        "warm-up": labels.time_in_prose(scenario.patients.arrivals.warm_up),
    }


def _patients(log: EventLog) -> dict[str, str]:
    names = log.names.attributes
    columns = {"arrivals": np.stack([log.replication, log.patient, log.begins, log.follow_up])}
    columns |= {name: log.at_start[:, what] for what, name in enumerate(names)}
    return {name: hashlib.sha256(column.tobytes()).hexdigest() for name, column in columns.items()}


def without_influences(cell: Cell) -> Cell:
    """The same cell for another process: influences lead to the whole log."""

    def lighter(headlines: Mapping[str, Headline]) -> dict[str, Headline]:
        return {
            name: replace(one, group=replace(one.group, each=bare(one.group.each)))
            for name, one in headlines.items()
        }

    return replace(cell, headlines=lighter(cell.headlines), burden=lighter(cell.burden))


# ---------------------------------------------------------------- differences


def outcomes_told(reference: Cell, cell: Cell) -> dict[str, Any]:
    """Each outcome of the reference that is one number: the cell's estimate, and its difference.

    Curves are read at the time that heads the reference's; shares of categories are no one number.
    """
    return {
        name: _with_steady_state_notes(
            _told(reference, cell, one, cell.headlines.get(name)),
            *(of.summary["outcomes"].get(name, {}).get("steady_state_note", "") for of in (reference, cell)),
        )
        for name, one in reference.headlines.items()
        if "shares" not in reference.summary["outcomes"][name]
    }


def _with_steady_state_notes(told: dict[str, Any], of_reference: str, own: str) -> dict[str, Any]:
    """An outcome with what stands beside it in the cell, its difference with that of either."""
    if own:
        told["steady_state_note"] = own
    if own or of_reference:
        told["difference"]["steady_state_note"] = own or f"in the reference, {of_reference}"
    return told


def burden_told(reference: Cell, cell: Cell) -> dict[str, Any]:
    """The same of what waiting does to patients; of several replications the number in each too."""
    return {
        name: _told(reference, cell, one, cell.burden.get(name)) | _by_replication(cell.burden.get(name))
        for name, one in reference.burden.items()
    }


def _by_replication(headline: Headline | None) -> dict[str, Any]:
    if headline is None or len(headline.group.each) == 1:
        return {}
    path = _path(headline)
    return {"by_replication": [number(figures.estimates[path].value) for figures in headline.group.each]}


def are_told_apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a number of `burden_told` surely differs between two cells, over the same replications."""
    first, second = (np.array(of["by_replication"], dtype=np.float64) for of in (one, other))
    apart = between_replications(first, second).estimate
    return apart.low > 0.0 or apart.high < 0.0


def _told(reference: Cell, cell: Cell, one: Headline, other: Headline | None) -> dict[str, Any]:
    path = _path(one)
    several = len(one.group.each) > 1
    about = {key: one.facts[key,] for key in ("unit", "estimate_of", "estimate_days") if (key,) in one.facts}
    if other is None:
        return about | _numbers(UNKNOWN) | {"difference": _none("this cell does not have it")}
    note = one.note or other.note
    first, second = (_only(headline.group, path) for headline in (one, other))
    about |= _numbers(_estimate(second, path, other.note))
    apart = _why_apart(reference, cell, one, other)
    if apart:
        return about | {"difference": _none(apart)}
    if not several and not note:
        note = _strangers(reference, cell)
    found = of_groups(first, second, n_patients=reference.n_patients, has_error=not note)[path]
    told = leaf(found) | {"interval_kind": None}
    if found.estimate.has_interval:
        told["interval_kind"] = PAIRED_REPLICATIONS if several else PAIRED_PATIENTS
    else:
        told["interval_note"] = note or _why_unknown(second, path)
    said = found.note("replication", len(first.each)) if several else found.note("patient", len(first.who))
    if said and not note:
        told["interval_note"] = said
    return about | {"difference": told}


def _none(note: str) -> dict[str, Any]:
    return leaf(Difference(UNKNOWN)) | {"interval_kind": None, "interval_note": note}


def _path(headline: Headline) -> Path:
    """Where the number stands: curves under the time, so that it is the same time in every cell."""
    days = headline.facts.get(("estimate_days",))
    return ("estimate",) if days is None else ("at", labels.time(days), "estimate")


def _only(group: Group, path: Path) -> Group:
    """The group with this one estimate in each replication; unknown where the cell does not read it."""
    return replace(
        group,
        each=tuple(
            replace(
                figures,
                estimates={path: figures.estimates.get(path, UNKNOWN)},
                influences={key: of for key, of in figures.influences.items() if key == path},
            )
            for figures in group.each
        ),
    )


def _estimate(group: Group, path: Path, note: str) -> Estimate:
    if len(group.each) > 1:
        return over_replications(group.each).estimates[path]
    figures = without_intervals(group.each[0]) if note else group.each[0]
    return figures.estimates[path]


def _numbers(estimate: Estimate) -> dict[str, Any]:
    return {"estimate": number(estimate.value), "interval": interval(estimate)}


def _why_apart(reference: Cell, cell: Cell, one: Headline, other: Headline) -> str:
    """Why two numbers are of different things, "" where they are not."""
    if one.outcome is not None and other.outcome is not None and not is_same(one.outcome, other.outcome):
        return "this cell defines it otherwise"
    for what, words in reference.window.items():
        if cell.window[what] != words:
            return f"the {what} is {words} in the reference and {cell.window[what]} in this cell"
    return ""


def _strangers(reference: Cell, cell: Cell) -> str:
    """Why one replication cannot be paired patient by patient, "" where it can."""
    other = [name for name, digest in reference.patients.items() if cell.patients.get(name, digest) != digest]
    if not other:
        return ""
    return f"its patients are not those of the reference ({', '.join(other)}): several replications give one"


def _why_unknown(group: Group, path: Path) -> str:
    if not any(figures.estimates[path].is_known for figures in group.each):
        return "nobody to estimate from, or nobody was observed for so long"
    return "fewer than two replications to compare" if len(group.each) > 1 else "a single value"
