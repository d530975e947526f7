"""The reference page of the language: what a scenario means, and every word of `words` in tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.scenario.language.vocabulary import (
    ARGUMENTS,
    AS_PRINTED,
    COVARIATES,
    DEFINITIONS,
    FAMILIES,
    MODIFIERS,
    NUMBER_FAMILIES,
    OPERATORS,
    SECTIONS,
    UNCERTAINTIES,
)


def reference_page() -> str:
    """The page as Markdown: chapters of text, each with the tables of the words it speaks of."""
    parts: list[str] = [OPENING]
    for title, text, sections in CHAPTERS:
        parts += [f"## {title}", text.strip()]
        parts += [_section_table(name) for name in sections]
        parts += [_table(head, words) for head, words in TABLES.get(title, ())]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section_table(name: str) -> str:
    section = SECTIONS[name]
    rows = list(_rows(name))
    head = ["| key | takes | meaning | left out |", "|---|---|---|---|"]
    return "\n".join(
        [f"### {section.noun[0].upper()}{section.noun[1:]}", "", section.meaning, "", *head, *rows]
    )


def _rows(name: str) -> Iterator[str]:
    for key, word in SECTIONS[name].words.items():
        absent = "**required**" if word.is_required else word.default
        yield f"| `{key}` | {word.type.replace('_', ' ')} | {_cell(word.meaning)} | {_cell(absent)} |"


def _table(head: str, words: Mapping[str, str]) -> str:
    lines = [f"| {head} | |", "|---|---|"]
    lines += [f"| `{key}` | {_cell(text)} |" for key, text in words.items()]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


TABLES: dict[str, tuple[tuple[str, Mapping[str, str]], ...]] = {
    "Laws": (
        ("family", FAMILIES),
        ("for an attribute's value also", NUMBER_FAMILIES),
        ("argument", ARGUMENTS),
        ("as papers print them", AS_PRINTED),
        ("modifier, in the order in which they act", {key: word.meaning for key, word in MODIFIERS.items()}),
    ),
    "Conditions and choices": (
        ("comparison", OPERATORS),
        ("what can be asked", COVARIATES),
        ("words among names", DEFINITIONS),
    ),
    "Parameters": (("uncertainty", UNCERTAINTIES),),
}

OPENING = """
# The scenario language

A scenario is a YAML file: who the patients are, the stages they pass through, what can happen in each and
when, and what is to be counted afterwards. Nothing in it is code. This page is made from the same words
that the error messages and the JSON Schema use (`make docs`); `allpath schema` prints the schema for an
editor, `allpath check` reads a file and tells everything that is wrong with it, `allpath check --resolved`
prints what the file comes to.

A small scenario:

```yaml
format: 1
title: A ward
horizon: 2 years
states: {ill: {}, well: {}, dead: {}}
patients: {number: 1000, attributes: {age: {triangular: [18, 35, 65]}, fit: {bernoulli: 0.7}}}
pathway:
  start: ward
  stages:
    ward:
      state: ill
      events:
        discharge: {when: {fit: true}, after: {lognormal: {median: 12 days, sigma: 0.4}}, to: home}
        death:     {after: {exponential: {mean: 90 days}}, to: died}
    home: {state: well, events: {relapse: {after: {weibull: {shape: 0.9, mean: 1 year}}, to: ward}}}
    died: {state: dead, terminal: true}
outcomes: {survival: {from: start, until: {state: dead}, by: fit}}
```
"""

CHAPTERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "The file",
        """
Files are read as YAML 1.2: `no` and `on` are texts, `1e-3` and `10_000` are numbers. An error is what hides
a mistake: a key that stands twice, a key without a value, numbers such as `012`, tags, anchors and merge
keys. A file is UTF-8, at most 2 MiB, nested at most 64 deep. The order of keys is kept and counts:
attributes are drawn in it, effects done in it, and it settles ties.

**Written and resolved.** What you write has units, defaults, parameters, named conditions and may rest on
another file. Resolving takes all that away: times in days, rates per day, every default written out. The
resolved form is a scenario too and resolves to itself; its SHA-256 digest names what was run.

**Problems** are told all at once, each with file, line and column, the path of the key, what is wrong, and
what to write. While a path of a layer cannot be followed, only such paths are told: what they were to put
in place would be missed everywhere else as well.
""",
        ("scenario", "state"),
    ),
    (
        "Times, rates, probabilities",
        """
A time is a number with its unit: `28 days`, `6.9 months`, `12 hours`. A month is a twelfth of a year, a
year 365.25 days. A rate is a number per unit: `1.1 per year`. A bare number where a time or rate is due is
an error, and so is a unit where a plain number is due. Probabilities lie between 0 and 1; a percentage is
refused, with the number to write. Money is a plain number in the currency of `economics`.
""",
        (),
    ),
    (
        "Patients and their attributes",
        """
Attributes are what is known of a patient. All are declared in `patients.attributes` and get their first
values in that order, so one may depend on those above it. The declaration fixes what kind of values there
are:

- a **number**: `60`, any family of the chapter on laws, or a `categorical` whose keys are all numbers;
- **yes or no**: `true`, `false`, or `{bernoulli: 0.7}`;
- a **category**: `{categorical: {male: 0.5, female: rest}}`, or `{one_of: [marrow, cns], start: marrow}`. A
  bare text is a category with that one value.

`follows: {other: 0.5}` beside a distribution couples it to the latest draw of another attribute (a Gaussian
copula of that correlation, ends -1 and 1 excluded); that one has to be drawn somewhere. `rest` and
`unchanged` are words and cannot be values.

**Arrivals.** Without `arrive` all patients start on day 0. `{every: 2 weeks}` lets the first start on day
0, the next two weeks later; `{poisson: RATE}` lets them come at random, at a rate that may change in steps.
How many come is said by `patients.number` (1000 unless said) or by `for`, never by both. The horizon is a
day of the common calendar, so who starts late is followed for a shorter time; `follow_up` ends each
patient's observation that long after the start.

`{file: days.csv}` has a row for each patient with the `day` of the start. Its days stand as `days` in the
resolved form, and a table of patients as `table`, so that neither needs its file again.

**A table of patients** (`from_file`) has a column for each attribute it gives; what it does not give is
drawn. The first patient has the first row, and after the last row the first comes again. Without `number`
there are as many patients as rows. `since.STAMP` is how many days ago the stamp was set, `days.CLOCK` how
long the clock has been running; an empty cell: never, and not at all.

With a column `stage` they are **today's patients**: in care on day 0, in that stage since `days_in_stage`
(0 without that column), before any who arrive; `number` counts those who arrive. `on_start` is done, and
the table's values take the place of its; the stage's `on_entry` is over, so a clock that it starts or stops
needs its column. What the stage needs they hold. Times that run are given that they have lasted so long:
an event that would have moved the patient on is drawn beyond the days spent, and its `chance` is that of
who has not had it so far; an event that only leads to `stay` may have happened before. What cannot last so
long is due at once.
""",
        ("patients", "arrivals"),
    ),
    (
        "What a pathway means",
        """
A patient is in one stage, has attributes, and carries running clocks. On entering a stage its `on_entry`
effects are done; then each event whose `when` holds is given a time, and whichever comes first happens: its
`do` effects, then its destination. The others are forgotten as the stage is left.

- **`to: stay`** leaves the patient where they are, the other events keep their times, and each `when` of
  the stage is read again: what no longer holds is withdrawn, what holds for the first time is drawn from
  that moment.
- **`after`** happens at most once a visit; **`every`** is drawn anew each time it has happened.
- **`chance`** is asked once a visit. With the remaining probability the event does not come up in it at
  all.
- **Ties** in time: clocks before events, then the order of the file; between patients the lower number.
- A **decision** has `decide` and no events. It takes no time. A round trip of decisions, or of stages whose
  events are `{fixed: 0 days}`, would never end and is refused; one that only happens to some is stopped in
  the run, naming it.
- A **terminal** stage ends the path. Every stage that can be reached must have a way to one.
- A stage without `state` keeps the state that the patient brought along.

A **clock** is an event that goes on from stage to stage. `start` draws it (again, if it was running),
`stop` ends it, it happens once. `in` names the stages where it can happen; without it all but the terminal
ones. If it comes due elsewhere, or while its `when` does not hold, it happens as soon as it can.

**Waiting.** Where a stage `needs` a resource, the patient asks for it on the way in. While waiting they
have left the old stage, whose events are gone, but not entered the new one; the old state, its utility and
its cost per day go on. Clocks can happen meanwhile, the events in `while_waiting`, and those marked
`waiting: true`, which keep their time when the wait ends. One event cannot stand in both `events` and
`while_waiting`.
""",
        ("pathway", "stage", "event", "clock"),
    ),
    (
        "Destinations",
        """
Where an event leads is one of three: a stage (or `stay`); stages with probabilities, `{home: 0.9, died:
rest}`; or a list of rules read from the top, each with `when` but the last, whose `to` is again any of the
three. The `name` of a rule is unique in the file and stands in the log. `odds_ratios` among the entries of
a mapping of probabilities change the chances of this choice; `odds_ratios` of an event as a whole stand
beside its `chance` and act on that.
""",
        ("rule",),
    ),
    (
        "Laws",
        """
`after` and `every` take a law: one family with its arguments, and modifiers beside it. The arguments are
those of R's flexsurv, or what a paper prints in their place: a mean, a median, both quartiles, survival at
some times. What is printed is solved for; where no member of the family fits, the reason is told. A bare
argument that changes with the unit of time (`meanlog`, `mu`, splines, the scale of `weibull_ph`) has `unit`
beside it. In a `survival_table` all survive until the first time, if it does not begin at 0.

A `life_table` is read from its file into the resolved form as `rows`, age: rate per year; columns named
like an attribute become a choice by it. It counts from birth, so the patients need an attribute `age`,
unless `already` says otherwise. In `mixture_cure`, inside `of` stand a family, `time_ratios` and
`hazard_ratios` without limits in time; all other modifiers belong beside `mixture_cure`.

**Ratios.** A hazard ratio raises survival to its power. Several multiply. `when` says for whom a ratio
acts; `per` raises it to what a number is above `centre` (or, with `above`, only beyond it). `from`, `until`
and `wane` limit hazard ratios in time, counted from when the time began to run, or `since` a stamp; odds
and time ratios have no such limits, as they are read in one moment. These limits, and `centre`, do not
depend on the patient. Odds ratios over several entries name theirs with `of`.
""",
        ("ratio",),
    ),
    (
        "Conditions and choices",
        """
A condition is a mapping, all of whose entries hold; a list, all of whose items hold; or the name of one
under `conditions`. `{age: 60}` asks for equality, `{age: {at_least: 60, below: 75}}` compares. Days may be
written with a unit: `{since.infusion: {below: 30 days}}`. Conditions on time are read when something
happens, and make nothing happen. A stamp that was never set fails every comparison; in `on_start` there is
no stage yet, and comparisons with it fail.

Wherever a value stands it may depend on the patient: `{by: sex, male: 1, female: 2}`, with an entry for
each value or `rest`; or a list of `{when, value}` whose last item has no `when`. By a number, the entries
are all the values that its declaration and the effects give it; if these are not a list, `rest` is needed.
A choice is made when the value is used: a law's as the time is drawn, a destination's as it is chosen, a
cost's as it falls due.
""",
        ("case",),
    ),
    (
        "Effects",
        """
Effects are items of a list, done in order; the words of one item are done in the order written, behind its
one `when`. `reassess` takes up running events again: their ratios and choices are read anew, and the part
of the luck that is not yet spent is spent at the new rate. Where a law is shifted by `plus`, what passed
during the shift spends nothing. Of a list of times with `odds_ratios` the entry stays the one drawn, and only
the time left to it is stretched. Of what does not run it does nothing. It means the event of that name in the
stage, and else the clock.
""",
        ("effect",),
    ),
    (
        "Parameters",
        """
`$name` stands for the value of a parameter, wherever a value does but never for a key. A text that begins
with `$` is written with two (`label: $$ 300 a day`); any other `$` at the beginning of a value is an error.
A value is a number,
a time, a rate, a name, or a mapping or list of these, and may refer to other parameters. `uncertainty` is
kept for analyses that draw parameters; without a centre of its own it is centred on the value. A parameter
that nothing uses is an error in a file that rests on no other. Resolving puts the values in place: the
resolved form has none.
""",
        ("parameter",),
    ),
    (
        "Resources",
        """
A resource has units that one patient at a time holds. `needs` takes one, a list, or items with a `when`,
read as the patient comes to the stage. What is missing is granted together, or waited for together; what
the next stage that takes time needs as well is held on, the rest is given back on leaving. With `release:
when_next_granted` it is kept while its holder waits, and given back as the wait ends. Two patients who each
hold what the other waits for wait until something else happens to one of them. Where the stages let that
come about, with whatever conditions, `check`, `describe` and each run note it.

Capacity may change in steps that begin at `0 days`; where it falls, units in use go as they are given back.
A resource that is unlimited and always open is never waited for and leaves no trace in the log.

Opening hours limit when grants are made, not how long a unit is held; day 0 is a Monday: `every day`,
`weekdays`, a list of days, or days with hours, `{monday: [8 hours, 17 hours]}`, the end not included, nor the
5 seconds before it: times are rounded, and the last of the visits that fill the hours may end a little early.
What nobody takes while it is open is lost: three slots on Mondays are `{capacity: 3, open: [monday]}`, held
for less than a week.

A queue goes by the requests, or by an attribute that is a number, or yes or no, read afresh at every grant;
equal values go by the requests. Who is turned away where nothing is free, or where the queue is long, comes
to a decision first, whose rules ask `free.RESOURCE` or `queue.RESOURCE`.

**Within one moment** units and opening hours change first; then come the happenings, by patient number,
each followed at once by what follows from it in no time. When all are over, requests join their queues, and
grants are made: resource by resource in the order of the file, down the queue of each, past those who lack
a unit of another. Who was granted enters, by patient number, and the moment goes on. Units given back and
patients who leave a queue are counted at once by `free` and `queue`.
""",
        ("need", "resource", "queue", "resource_cost"),
    ),
    (
        "Costs and utilities",
        """
A utility belongs to a state, or to a stage in its place; if one has any, every state and stage in which
time can pass needs one, except the state `dead`. Costs stand on entries, days, events and resources, as an
amount or by category. Either needs `economics`. They are checked, `describe` tells them, and the resolved
form has them; what they come to is not computed yet, which each run notes.
""",
        ("economics", "discount", "stage_cost"),
    ),
    (
        "Outcomes",
        """
Outcomes read the event log and nothing else. A happening names rows of it. `from` and `until` give the time
between the first of one and the first later of the other: Kaplan-Meier, or with `competing` cumulative
incidences. Who does not get as far as `from` is left out and counted. Time is counted from each patient's
start.

Of every resource that can be waited for it is told unasked, from `warm_up` to the horizon: units in use and
queue averaged over time; utilisation, units in use over units there are, both over the time that it is
open; the days that units are in use added up, grants a year, and what ended the waits: the grant, or the
event or clock that took the patient away. Beside them stand the warm-up that MSER-5 (White 1997) would
leave out of the series it was read from, and use and queue over the calendar. A queue that rises along a
line over the last half of the time in which patients arrive (of the run, where all are there at once),
surely and by a quarter of its mean, does not settle: then there are no averages of its use and waits, and a
note says so.

In `among` and `by`, "at the start" is just after the patient's `start` row, so what `on_start` does counts.
The steps of a `pathway` are strictly later rows each, and `within` includes its end. An `among` that
mentions `ever` has nothing beside it. What `never` names stops the run, and the patient's story is told.
""",
        ("outcome", "happening"),
    ),
    (
        "Inheritance",
        """
A file with `based_on` has only `format`, `title` and a layer: `changes` and `add` map paths to values,
`remove` lists paths. Paths are keys joined by dots; an item of a list is reached by its `name`. A change
replaces the whole value and needs something there, be it a default; an addition needs nothing there. What
is added to a list is a list, and goes to its end, or where an item says `before: NAME`. No path of a layer
equals another or lies beneath it. `--set PATH=VALUE` is one more layer on top, and reaches what exists or
has a default: to add something, write a file.

What layers leave unused or out of reach is noted, not refused. The resolved form of such a scenario says
`leftovers: true`, so that it can be read again.
""",
        (),
    ),
    (
        "Chance",
        """
Each draw depends on the seed, the replication, the patient, its own name, and how often the patient has
made it; never on what else was drawn. So a patient has the same luck in two scenarios wherever these agree,
and adding patients, stages or events leaves all others as they were. Draws are named `STAGE.EVENT` and
`clock.CLOCK` for times, with `.chance`, `.to` or `.ATTRIBUTE` behind; `STAGE.on_entry.ATTRIBUTE`,
`on_start.ATTRIBUTE`, `patient.ATTRIBUTE` and `STAGE.decide`. Renaming a stage or an event therefore changes
its luck. Times are rounded, once, to a grid of 2^-20 days.
""",
        (),
    ),
)
