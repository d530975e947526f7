"""The page of `allpath explore`: a Streamlit script, run again whenever a user changes something."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sim.errors import InputError, RunError, ScenarioError
from sim.explore import drawing
from sim.explore.explorer import Changed, Explorer, View
from sim.explore.layer import layer
from sim.explore.sliders import Slider, Stepper
from sim.files import check_outputs, path_from, write_whole
from sim.report.tables.comparison_table import words
from sim.report.text.protocol import STATUSES
from sim.scenario.source.citations import citations

ERRORS = (ScenarioError, InputError, RunError)
FIRST_CHOSEN = {"chosen": STATUSES["chosen"], **STATUSES}
"""What a user can choose comes before what is evidence."""
FEW = 12
"""So many sliders are shown at once; of more, those of one status and source."""
COLUMNS, STEPPERS = 3, 5
"""Pinned sliders, and steppers, in a row."""
Item = TypeVar("Item")
SIDEBAR = 360
"""Pixels."""
ROOM = "<style>[data-testid=stMainBlockContainer] { padding-top: 2.5rem; }</style>"
_MARKDOWN = re.compile(r"([\\`*_\[\]#|$~<>:])")


def show(arguments: str) -> None:
    """Draw the page. arguments: `files`, `command` and the options of `run`, as JSON."""
    st.set_page_config("allpath explore", layout="wide", initial_sidebar_state=SIDEBAR)
    st.html(ROOM)
    state = st.session_state
    if "explorer" not in state:
        _open(**json.loads(arguments))
    explorer: Explorer = state.explorer
    with st.sidebar:
        _catalogue(explorer)
    _draw("head", drawing.head(explorer))
    _pinned(explorer)
    changed: Changed = state.changed
    names = drawing.headline_outcomes(explorer.base)
    timed = {one.name: one for one in explorer.outcomes if one.kind == "time_to_event"}
    shown = state.get("outcome", next(iter(timed), ""))
    try:
        now = explorer.view(changed, [*names, shown])
    except ERRORS as error:
        _show_error(error)
        now = explorer.base
    if timed:
        labels = {name: one.label or words(name) for name, one in timed.items()}
        st.selectbox("Curve", list(labels), format_func=labels.__getitem__, key="outcome")
        _draw("curve", drawing.curve(explorer.base, now, timed[shown]))
    _draw("headline", drawing.headline(explorer.base, now, names=names))
    _waits(explorer, now)
    _changes(explorer, changed)
    _save(explorer, changed)


def _open(files: Sequence[str], **options: Any) -> None:
    """Simulate the base case; an error is all that a page shows."""
    state = st.session_state
    try:
        with st.spinner("Simulating the base case ..."):
            state.explorer = Explorer.of(list(map(Path, files)), **options)
        state.citations = citations(file for one in state.explorer.scenarios for file in one.inputs)
    except ERRORS as error:
        _show_error(error)
        st.stop()
    state.changed = Changed({}, {})
    state.figure = st.components.v2.component("allpath.figure", css=drawing.style(), js=drawing.script())


def _show_error(error: Exception) -> None:
    """What is wrong, and below it the fix."""
    st.error(_literal(str(error)).replace("\n", "  \n"))


def _draw(key: str, html: str) -> None:
    """Draw a part of the page; all text in it is escaped."""
    st.session_state.figure(key=key, data=html)


# ---------------------------------------------------------------- parameters


def _catalogue(explorer: Explorer) -> None:
    """The sliders that are not pinned, by status and source."""
    sliders = {one.id: one for one in explorer.controls.sliders}
    st.multiselect(
        "Pin parameters",
        list(sliders),
        format_func=lambda name: _name(explorer, sliders[name]),
        placeholder="Search by name",
        help="Pinned parameters stand above the results.",
        key="pinned",
    )
    free = [one for one in sliders.values() if one.id not in st.session_state.pinned]
    if len(free) > FEW:
        free = _chosen("Status", free, {one.id: one.parameter.status for one in free}, FIRST_CHOSEN)
        sources = {one.id: one.parameter.source for one in free}
        free = _chosen("Source", free, sources, {name: _source(name) for name in sources.values()})
    _sliders(explorer, free)
    if not sliders:
        st.caption("The scenario declares no parameters that are numbers.")
    elif explorer.controls.others:
        others = ", ".join(dict.fromkeys(words(one.name) for one in explorer.controls.others))
        st.caption(_literal(f"Without a slider: {others}"))


def _chosen(
    what: str, sliders: Sequence[Slider], group: Mapping[str, str], titles: Mapping[str, str]
) -> list[Slider]:
    """The sliders of the group that the user chooses.

    group: of each slider. titles: of the groups, in order.
    """
    counts = Counter(group.values())
    chosen = st.selectbox(
        what,
        [name for name in titles if counts[name]],
        format_func=lambda name: f"{titles[name]} ({counts[name]})",
        key=what,
    )
    return [one for one in sliders if group[one.id] == chosen]


def _source(name: str) -> str:
    """A source with its citation."""
    return ": ".join(filter(None, [name, st.session_state.citations.get(name, "")])) or "Without a source"


def _pinned(explorer: Explorer) -> None:
    sliders = {one.id: one for one in explorer.controls.sliders}
    for column, slider in _in_columns([sliders[name] for name in st.session_state.pinned], COLUMNS):
        with column:
            _sliders(explorer, [slider])


def _in_columns(items: Sequence[Item], n: int) -> Iterator[tuple[DeltaGenerator, Item]]:
    """Each item with its place in rows of n."""
    for first in range(0, len(items), n):
        yield from zip(st.columns(n), items[first : first + n], strict=False)


def _sliders(explorer: Explorer, sliders: Sequence[Slider]) -> None:
    """Sliders with the value that they have, also after they were out of sight."""
    for one in sliders:
        key = f"slider {one.id}"
        if key not in st.session_state:
            st.session_state[key] = st.session_state.changed.values.get(one.id, one.value)
        unit = one.unit.replace("%", "%%")
        st.slider(
            _literal(_name(explorer, one)),
            one.low,
            one.high,
            step=one.step,
            format=f"%.{one.decimals}f {unit}".rstrip(),
            key=key,
            help=_about(one),
            on_change=_move,
            args=(one,),
        )


def _name(explorer: Explorer, slider: Slider) -> str:
    name = words(slider.parameter.name)
    if slider.key:
        name += f": {words(slider.key)}"
    if len(slider.arms) < len(explorer.files):
        name += f" ({', '.join(explorer.names[arm] for arm in slider.arms)})"
    return name


def _about(slider: Slider) -> str:
    one = slider.parameter
    spread = (
        f"95% range of {one.uncertainty}" if slider.is_stated else "Its range is not stated: half to double"
    )
    facts = [
        f"{one.name}, base case {slider.text(slider.value)}",
        spread,
        STATUSES[one.status],
        _source(one.source),
    ]
    return _literal(". ".join(facts))


def _move(slider: Slider) -> None:
    """Remember where a slider was moved to."""
    changed: Changed = st.session_state.changed
    value = st.session_state[f"slider {slider.id}"]
    kept = {name: old for name, old in changed.values.items() if name != slider.id}
    if abs(value - slider.value) > slider.step / 2:
        kept[slider.id] = value
    st.session_state.changed = Changed(kept, changed.capacities)


def _literal(text: str) -> str:
    """A text in which no sign means anything to Markdown."""
    return _MARKDOWN.sub(r"\\\1", text)


# ---------------------------------------------------------------- resources


def _waits(explorer: Explorer, now: View) -> None:
    drawn = drawing.waits(explorer.base, now)
    if not drawn:
        return
    st.subheader("Waits and resources", anchor=False)
    for column, one in _in_columns(explorer.controls.steppers, STEPPERS):
        key = f"stepper {one.id}"
        if key not in st.session_state:
            st.session_state[key] = one.capacity
        name = f"{words(one.resource)}, units"
        if len(one.arms) < len(explorer.files):
            name += f" ({', '.join(explorer.names[arm] for arm in one.arms)})"
        column.number_input(_literal(name), 1, None, step=1, key=key, on_change=_step, args=(one,))
    _draw("waits", drawn)


def _step(stepper: Stepper) -> None:
    changed: Changed = st.session_state.changed
    kept = {name: old for name, old in changed.capacities.items() if name != stepper.id}
    if (value := st.session_state[f"stepper {stepper.id}"]) != stepper.capacity:
        kept[stepper.id] = value
    st.session_state.changed = Changed(changed.values, kept)


# ---------------------------------------------------------------- what is changed


def _changes(explorer: Explorer, changed: Changed) -> None:
    if not changed:
        return
    _draw("changes", drawing.changes(explorer, changed))
    st.button("Back to the base case", on_click=_reset)


def _reset() -> None:
    st.session_state.changed = Changed({}, {})
    for key in [key for key in st.session_state if str(key).startswith(("slider ", "stepper "))]:
        del st.session_state[key]


def _save(explorer: Explorer, changed: Changed) -> None:
    with st.expander("Save and export"):
        arm = 0
        if len(explorer.files) > 1:
            arm = st.selectbox(
                "Scenario", range(len(explorer.files)), format_func=explorer.names.__getitem__, key="arm"
            )
        file, scenario = explorer.files[arm], explorer.scenarios[arm]
        title = st.text_input("Title", f"{scenario.title}, explored")
        path = Path(st.text_input("File", f"{file.stem}_explored.yaml"))

        def text(based_on: str) -> str:
            return layer(
                scenario,
                explorer.request.settings,
                explorer.changes(changed, arm),
                based_on=based_on,
                title=title,
            )

        if st.button("Save as a layer file"):
            try:
                check_outputs([path], inputs=scenario.inputs)
                write_whole(path, text(path_from(path, file)))
                st.success(_literal(f"Written to {path}"))
            except ERRORS as error:
                _show_error(error)
        st.download_button("Download the layer file", text(str(file.absolute())), path.name, "text/yaml")
        st.download_button(
            "Export the page", lambda: explorer.page(changed), f"{file.stem}_explored.html", "text/html"
        )
