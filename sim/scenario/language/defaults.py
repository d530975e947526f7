"""Which keys have a default, so that a layer may change them where they do not stand."""

from __future__ import annotations

from sim.scenario.language.vocabulary import MODIFIERS, SECTIONS

_PLACES: tuple[tuple[tuple[str, ...], str], ...] = (
    ((), "scenario"),
    (("economics",), "economics"),
    (("states", "*"), "state"),
    (("patients",), "patients"),
    (("patients", "arrive"), "arrivals"),
    (("pathway",), "pathway"),
    (("pathway", "stages", "*"), "stage"),
    (("pathway", "stages", "*", "events", "*"), "event"),
    (("pathway", "stages", "*", "while_waiting", "*"), "event"),
    (("pathway", "stages", "*", "cost"), "stage_cost"),
    (("clocks", "*"), "clock"),
    (("resources", "*"), "resource"),
    (("resources", "*", "cost"), "resource_cost"),
    (("outcomes", "*"), "outcome"),
)


def has_default(path: tuple[str, ...]) -> bool:
    """Whether a key that does not stand in a file is there all the same, at its default."""
    *above, key = path
    if above and above[-1] in ("after", "every") and key in MODIFIERS:
        return True
    for pattern, section in _PLACES:
        if len(pattern) == len(above) and all(p in ("*", a) for p, a in zip(pattern, above, strict=True)):
            word = SECTIONS[section].words.get(key)
            return word is not None and bool(word.default)
    return False
