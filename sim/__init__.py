"""allpath from Python: `from sim import load, run, compare`; see docs/python.md.

The functions of `sim.api` are imported when they are asked for, so that to import a part of sim costs
no more than that part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.api import (
        DaskCluster,
        calibrate,
        compare,
        describe,
        export,
        fit,
        load,
        open_run,
        psa,
        reproduce,
        run,
        sensitivity,
        sweep,
        trace,
    )

__all__ = [
    "DaskCluster",
    "calibrate",
    "compare",
    "describe",
    "export",
    "fit",
    "load",
    "open_run",
    "psa",
    "reproduce",
    "run",
    "sensitivity",
    "sweep",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sim import api

    return getattr(api, name)
