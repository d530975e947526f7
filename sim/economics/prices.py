"""What of a scenario decides which log a run gives: all but its prices."""

from __future__ import annotations

from dataclasses import replace

from sim.scenario.language.model import Event, Scenario


def differ_in_prices_only(one: Scenario, other: Scenario) -> bool:
    """Whether two scenarios give the same event log, whatever they cost, value and ask."""
    return simulated_part(one) == simulated_part(other)


def simulated_part(scenario: Scenario) -> tuple[object, ...]:
    """What of a scenario decides its event log: all but prices, outcomes and how it came about."""
    return (
        scenario.horizon,
        tuple(state.name for state in scenario.states),
        scenario.patients,
        tuple(map(_event, scenario.clocks)),
        scenario.start,
        scenario.on_start,
        tuple(
            replace(
                stage,
                utility=None,
                cost=None,
                events=tuple(map(_event, stage.events)),
                while_waiting=tuple(map(_event, stage.while_waiting)),
            )
            for stage in scenario.stages
        ),
        tuple(
            replace(resource, cost_per_use=None, cost_per_day=None, cost_per_day_of_capacity=None)
            for resource in scenario.resources
        ),
    )


def _event(event: Event) -> Event:
    return replace(event, cost=None, qaly=None)
