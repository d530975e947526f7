"""Whole scenarios made at random in the language, for what has to hold of any pathway.

Times are of the order of weeks with a horizon of a year, so that most events
occur. Whatever a scenario holds it is valid: `leftovers` lets stages and clocks stand unused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sim.event_log.log import ENTERS, EventLog

Spec = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

HORIZON = "365 days"
CLOCKS = ("background", "visit")
EVENTS = ("onward", "end", "dose")
GRADES = (0, 1, 2, 3)
ATTRIBUTES: Spec = {
    "age": {"triangular": [18, 45, 80]},
    "sex": {"categorical": {"male": 0.5, "female": "rest"}},
    "fit": {"bernoulli": {"by": "sex", "male": 0.6, "female": 0.7}, "odds_ratios": [{"per": "age", "centre": 50, "value": 0.98}]},
    "grade": {"categorical": {0: 0.4, 1: 0.3, 2: 0.2, 3: 0.1}, "follows": {"score": 0.5}},
    "csf": {"one_of": ["clear", "cells"], "start": "clear"},
    "worst": 0,
}  # fmt: skip
SCORES = (
    {"normal": {"mean": 0, "sd": 2}, "follows": {"age": -0.6}},
    {"uniform": [-3, 3], "follows": {"age": 0.3}},
    {"gamma": {"shape": 2, "scale": 1.5}, "between": [0.5, 9]},
    {"beta": [2, 3]},
    {"poisson": 2.5},
    {"lognormal": {"median": 2, "sigma": 0.5}},
)
FAMILIES: tuple[Spec, ...] = (
    {"fixed": "20 days"},
    {"fixed": {"by": "grade", 0: "10 days", 1: "20 days", "rest": "28 days"}},
    {"uniform": ["5 days", {"by": "sex", "male": "40 days", "female": "90 days"}]},
    {"triangular": ["3 days", "10 days", "60 days"]},
    {"pert": ["3 days", "10 days", "60 days"]},
    {"exponential": {"rate": "0.02 per day"}},
    {"exponential": {"mean": [{"when": {"age": {"above": 60}}, "value": "20 days"}, {"value": "70 days"}]}},
    {"weibull": {"shape": 1.4, "scale": "50 days"}},
    {"weibull": {"shape": 0.8, "mean": "50 days"}},
    {"weibull_ph": {"shape": 1.1, "scale": 0.02, "unit": "days"}},
    {"gompertz": {"shape": "0.01 per day", "rate": "0.01 per day"}},
    {"gompertz": {"shape": "-0.02 per day", "rate": "0.02 per day"}},
    {"lognormal": {"median": "30 days", "sigma": {"by": "sex", "male": 0.4, "female": 0.8}}},
    {"loglogistic": {"shape": 1.8, "scale": "40 days"}},
    {"gamma": {"shape": 4, "mean": "45 days"}},
    {"gamma": {"shape": 0.7, "mean": "45 days"}},
    {"generalised_gamma": {"mu": 3.5, "sigma": 0.9, "Q": 0.5, "unit": "days"}},
    {"generalised_gamma": {"mu": 3.5, "sigma": 0.9, "Q": -0.4, "unit": "days"}},
    {"generalised_f": {"mu": 3.5, "sigma": 0.8, "Q": 0.5, "P": 1.2, "unit": "days"}},
    {"royston_parmar": {"scale": "hazard", "gamma": [-4, 1.1, 0.05], "knots": [0.1, 2.5, 4.2], "unit": "days"}},
    {"royston_parmar": {"scale": "odds", "gamma": [-5, 1.4], "knots": [0.1, 4.2], "unit": "days"}},
    {"royston_parmar": {"scale": "normal", "gamma": [-4, 1.1], "knots": [0.1, 4.2], "unit": "days"}},
    {"normal": {"mean": "30 days", "sd": "20 days"}},
    {"piecewise_exponential": {"0 days": "0.01 per day", "30 days": "0.05 per day"}},
    {"survival_table": {"0 days": 1, "30 days": 0.6, "90 days": 0.3}},
    {"life_table": {"rows": {0: 0.5, 40: 1.2, 60: 3}}},
    {"categorical": {"7 days": 0.5, "14 days": 0.3, "28 days": "rest"}},
)  # fmt: skip
HAVE_ENDS = ("fixed", "uniform", "triangular", "pert", "categorical")


def write(value: Any) -> Any:
    """A spec with every key as the text that YAML has for it."""
    if isinstance(value, dict):
        return {str(key): write(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [write(inner) for inner in value]
    return value


class Writer:
    """Draws the parts of one scenario."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.n_rules = 0
        self.stages: list[str] = []
        self.all_targets: list[str] = []

    def one_of(self, *items: Any) -> Any:
        return self.draw(st.sampled_from(items))

    def maybe(self, tenths: int) -> bool:
        return bool(self.draw(st.integers(0, 9)) >= 10 - tenths)

    def number(self, *values: float) -> Any:
        """A number, which may depend on the patient."""
        if not self.maybe(2):
            return self.one_of(*values)
        a, b = self.one_of(*values), self.one_of(*values)
        if self.maybe(5):
            return self.one_of({"by": "sex", "male": a, "female": b}, {"by": "grade", 1: a, "rest": b})
        return [{"when": self.condition(0), "value": a}, {"value": b}]

    # ------------------------------------------------------------ conditions

    def condition(self, depth: int = 1) -> Any:
        """A condition on the patient or on time."""
        if depth and self.maybe(3):
            first, second = self.condition(0), self.condition(0)
            return self.one_of({"any": [first, second]}, {"none": [first, second]}, [first, second])
        return self.one_of(
            {"fit": True},
            {"sex": "male"},
            {"csf": {"is_not": "clear"}},
            {"grade": {"in": [1, 3]}},
            {"grade": {"at_least": 1, "below": 3}},
            {"age": {"above": 50}},
            {"score": {"at_most": 1}},
            {"worst": {"is": 1}},
            "frail",
            {"current_age": {"above": 50}},
            {"days_in_stage": {"below": 20}},
            {"since.mark": {"above": 10}},
            {"since.mark": {"at_most": "60 days"}},
            {"since.start": {"above": "40 days"}},
            {"visits.first": {"at_least": 2}},
            {"visits.last": 0},
            {"stage": "first"},
            {"stage": {"is_not": "last"}},
            {"waited.first": 0},
            {"queue.bed": 0},
            {"free.bed": {"above": 3}},
        )

    # ------------------------------------------------------------ distributions

    def ratio(self, *, windows: bool = False) -> Spec:
        """One factor of a product of ratios."""
        kind = self.draw(st.integers(0, 4))
        if kind == 0:
            one: Spec = {"value": self.number(0.3, 0.7, 1.0, 1.8, 4.0)}
        elif kind == 1:
            one = {"log": self.number(-0.7, 0.2, 0.9)}
        elif kind == 2:
            per = self.one_of("age", "grade", "days_in_stage", "since.mark", "current_age", "visits.first")
            one = {"per": per, "value": self.one_of(0.97, 1.02), self.one_of("centre", "above"): 1}
        else:
            one = {"value": self.number(0.5, 2.5), "when": self.condition()}
        if windows and self.maybe(6):
            limit = self.draw(st.integers(0, 3))
            if limit in (0, 2):
                one["from"] = self.one_of("3 days", "20 days")
            if limit in (1, 2):
                one["until"] = self.one_of("25 days", "60 days")
            if limit == 3:
                one["wane"] = self.one_of(["0 days", "50 days"], ["10 days", "30 days"])
            if self.maybe(4):
                one["since"] = self.one_of("mark", "start")
        return one

    def odds(self, *entries: Any) -> list[Spec]:
        """Odds ratios of a single probability, or of some entries."""
        one = self.ratio()
        return [one | {"of": [self.one_of(*entries)]} if entries else one]

    def distribution(self, *, after: bool = True) -> Any:
        """A distribution of a time with its modifiers; sometimes a choice of two."""
        if self.maybe(1):
            a, b = self.one_distribution(after=after), self.one_distribution(after=after)
            return self.one_of(
                {"by": "sex", "male": a, "female": b},
                [{"when": self.condition(0), "value": a}, {"value": b}],
            )
        return self.one_distribution(after=after)

    def one_distribution(self, *, after: bool) -> Spec:
        kind = self.draw(st.integers(0, 19))
        if kind == 0:
            return {"categorical": {"7 days": 0.5, "14 days": "rest"}, "odds_ratios": self.odds("7 days")}
        distribution: Spec
        if kind < 4:
            inner = dict(self.one_of(*(f for f in FAMILIES if "life_table" not in f)))
            if self.maybe(3):
                inner["hazard_ratios"] = [self.ratio()]
            if self.maybe(3):
                inner["time_ratios"] = [self.ratio()]
            distribution = {"mixture_cure": {"cured": self.number(0.2, 0.5), "of": inner}}
            if self.maybe(3):
                distribution["mixture_cure"]["odds_ratios"] = self.odds()
        else:
            distribution = dict(self.one_of(*FAMILIES))
        family, within = next(iter(distribution.items()))
        inner = next(iter(within["of"])) if family == "mixture_cure" else family
        return distribution | self.modifiers(after=after, has_end=inner in HAVE_ENDS)

    def modifiers(self, *, after: bool, has_end: bool) -> Spec:
        """What stands beside a family; one that has an end cannot have lasted for any time."""
        found: Spec = {}
        lasting = () if has_end else ("current_age", "since.mark", "since.start")
        if self.maybe(2):
            found["time_ratios"] = [self.ratio()]
        if after and self.maybe(2):
            found["already"] = self.one_of(
                "5 days", {"by": "sex", "male": "1 days", "female": "9 days"}, *lasting
            )
        if self.maybe(3):
            found["hazard_ratios"] = [self.ratio(windows=True) for _ in range(self.one_of(1, 2))]
        if after and self.maybe(2):
            found["between"] = self.one_of(
                ["2 days", "80 days"], ["0 days", "30 days"], ["10 days", "11 days"]
            )
        if self.maybe(1):
            found["plus"] = self.one_of("1 days", "12 hours")
        if self.maybe(1):
            found["not_before"] = self.one_of({"mark": "15 days"}, {"start": "30 days", "mark": "2 days"})
        return found

    # ------------------------------------------------------------ effects

    def effect(self, names: tuple[str, ...]) -> Spec:
        """One item; names: the events it may reassess."""
        word = self.draw(st.integers(0, 8))
        if word == 0:
            one: Spec = {
                "set": self.one_of(
                    {"csf": "cells"}, {"fit": {"by": "sex", "male": True, "female": False}}, {"worst": 1}
                )
            }
        elif word == 1:
            one = {"add": {"grade": self.number(1, -1)}}
        elif word == 2:
            one = {"copy": {"worst": "grade"}}
        elif word == 3:
            grade: Spec = {"categorical": {0: 0.3, 2: 0.2, "unchanged": "rest"}}
            if self.maybe(5):
                grade["odds_ratios"] = self.odds(0, 2)
            if self.maybe(5):
                grade["follows"] = {"score": 0.7}
            fit: Spec = {"bernoulli": self.number(0.3, 0.8), "odds_ratios": self.odds()}
            score = {"normal": {"mean": 1, "sd": 1}, "follows": {"grade": -0.5}}
            one = {"draw": self.one_of({"grade": grade}, {"fit": fit}, {"score": score})}
        elif word == 4:
            one = {"start": self.one_of("background", "visit", ["background", "visit"])}
        elif word == 5:
            one = {"stop": self.one_of(*CLOCKS)}
        elif word == 6:
            one = {"stamp": "mark"}
        else:
            one = {"reassess": self.one_of(*names, list(names))}
        if self.maybe(3):
            one["when"] = self.condition(0)
        return one

    def effects(self, names: tuple[str, ...], most: int) -> list[Spec]:
        return [self.effect(names) for _ in range(self.draw(st.integers(0, most)))]

    # ------------------------------------------------------------ pathway

    def destination(self, *, stay: bool, depth: int = 1) -> Any:
        """Where an event or clock leads."""
        ends = [*self.all_targets, *(["stay"] if stay else [])]
        kind = self.draw(st.integers(0, 3))
        if kind < 2:
            return self.one_of(*ends)
        if kind == 2 or not depth:
            first, second = self.one_of(*ends), self.one_of(*ends)
            if first == second:
                return first
            parts: Spec = {first: self.number(0.2, 0.6), second: "rest"}
            if self.maybe(4):
                parts["odds_ratios"] = self.odds(first, second)
            return parts
        rules: list[Spec] = []
        for _ in range(self.one_of(1, 2)):
            rule: Spec = {"when": self.condition(), "to": self.destination(stay=stay, depth=0)}
            if self.maybe(7):
                self.n_rules += 1
                rule["name"] = f"rule_{self.n_rules}"
            rules.append(rule)
        return [*rules, {"to": self.destination(stay=stay, depth=0)}]

    def event(self, names: tuple[str, ...], *, every: bool) -> Spec:
        """An event; with `every` it mostly stays."""
        to = "stay" if every and self.maybe(7) else self.destination(stay=True)
        one: Spec = {"every" if every else "after": self.distribution(after=not every), "to": to}
        if self.maybe(2):
            one["when"] = self.condition()
        if self.maybe(2):
            one["chance"] = self.number(0.4, 0.8)
            if self.maybe(5):
                one["odds_ratios"] = self.odds()
        if self.maybe(5):
            one["do"] = self.effects(names, 2)
        if self.maybe(1):
            one["waiting"] = True
        return one

    def stage(self, name: str) -> Spec:
        """A stage with events that leave it, and now and then one that stays."""
        events = {"end": {"after": self.distribution(), "to": self.one_of("dead", "died")}}
        if self.maybe(7):
            events = {"onward": self.event((*EVENTS[:2], *CLOCKS), every=False), **events}
        if self.maybe(5):
            events["dose"] = self.event((*EVENTS[:2], *CLOCKS), every=self.maybe(7))
        names = (*events, *CLOCKS)
        for event in events.values():
            event["do"] = [e for e in event.get("do", []) if _within(e, names)]
        one: Spec = {"events": events}
        if name == "first" or self.maybe(5):
            one["state"] = self.one_of("ill", "well")
        if self.maybe(4):
            one["on_entry"] = self.effects(names, 3)
        if self.maybe(2):
            one["needs"] = "bed"
            one["while_waiting"] = {"loss": {"after": {"fixed": "2 days"}, "to": "dead"}}
        return one

    def clock(self) -> Spec:
        one: Spec = {"after": self.distribution(), "to": self.destination(stay=True)}
        if self.maybe(4):
            inside = [stage for stage in self.stages if self.maybe(6)]
            one |= {"in": inside} if inside else {}
        if self.maybe(3):
            one["when"] = self.condition()
        if self.maybe(3):
            one["chance"] = self.number(0.5, 0.9)
            if self.maybe(5):
                one["odds_ratios"] = self.odds()
        if self.maybe(5):
            one["do"] = self.effects(CLOCKS, 2)
        return one

    def scenario(self) -> Spec:
        """A whole scenario of three to five stages that take time, a decision and two ends."""
        self.stages = ["first", *(f"s{i}" for i in range(self.draw(st.integers(0, 2)))), "last"]
        self.all_targets = [*self.stages, "board", "dead"]
        stages: Spec = {name: self.stage(name) for name in self.stages}
        targets, self.all_targets = self.all_targets, [*self.stages, "dead"]
        board: Spec = {"decide": self.destination(stay=False)}
        self.all_targets = targets
        if self.maybe(5):
            board["on_entry"] = self.effects(CLOCKS, 1)
        attributes = {**ATTRIBUTES}
        grade = attributes.pop("grade")
        attributes["score"] = self.one_of(*SCORES)
        attributes["grade"] = grade
        return {
            "format": 1,
            "title": "At random",
            "leftovers": True,
            "horizon": HORIZON,
            "states": {"ill": {}, "well": {}, "dead": {}},
            "conditions": {"frail": {"age": {"above": 60}, "fit": False}},
            "patients": {"number": 40, "attributes": attributes},
            "clocks": {name: self.clock() for name in CLOCKS},
            "resources": {"bed": {"capacity": "unlimited"}},
            "pathway": {
                "start": self.one_of("first", "board"),
                "on_start": [{"when": {"fit": True}, "stamp": "mark"}, {"start": list(CLOCKS)}],
                "stages": {
                    **stages,
                    "board": board,
                    "dead": {"state": "dead", "terminal": True},
                    "died": {"state": "dead", "terminal": True, "on_entry": [{"set": {"worst": 9}}]},
                },
            },
        }


def _within(effect: Spec, names: tuple[str, ...]) -> bool:
    """Whether what an effect reassesses stands in the stage, or is a clock."""
    meant = effect.get("reassess", [])
    return all(name in names for name in ([meant] if isinstance(meant, str) else meant))


@st.composite
def pathways(draw: Draw) -> Spec:
    """Scenarios in the written form, as mappings."""
    return Writer(draw).scenario()


# ---------------------------------------------------------------- words with an effect


def words_in(value: Any) -> Iterator[str]:
    """Every word of the language within a part of a scenario: its keys, and `stay` and `unchanged`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key).partition(".")[0]
            yield from words_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from words_in(inner)
    elif isinstance(value, str):
        yield value.partition(".")[0]


def words_that_occur(spec: Spec, log: EventLog) -> set[str]:
    """The words of the events and clocks that occurred in a log, and of the stages that were entered."""
    found: set[str] = set(words_in(spec["patients"])) | set(words_in(spec["pathway"]["on_start"]))
    stages = spec["pathway"]["stages"]
    for code in np.unique(log.event):
        owner, _, event = log.names.events[code].partition(".")
        if owner == "clock":
            found |= {"clock", *words_in(spec["clocks"][event])}
        elif event:
            found |= set(words_in(stages[owner]["events"][event]))
    for code in np.unique(log.stage_to[log.does == ENTERS]):
        stage = stages[log.names.stages[code]]
        found |= {
            word
            for key in ("on_entry", "needs", "decide")
            for word in (key, *words_in(stage.get(key)))
            if key in stage
        }
    return found
