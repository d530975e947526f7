"""Costs, quality-adjusted life-years and incremental analysis, read from the log and the scenario.

A new price needs no new simulation: the log says what happened, the scenario says what it is worth.
"""
