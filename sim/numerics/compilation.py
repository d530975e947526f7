"""How the kernel is compiled: functions are marked here, and compiled when a run first calls one.

Numba takes most of a second to import, and so is imported by what calls for machine code, not by
what only reads a scenario. With NUMBA_DISABLE_JIT=1 the same lines run as ordinary Python.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

IS_COMPILED = not int(os.environ.get("NUMBA_DISABLE_JIT") or 0)
"""Whether entries are compiled; if not, all of the kernel is ordinary Python."""
_PRIMITIVES: list[tuple[Any, ...]] = []
"""Those that Numba does not know yet."""


class Compiled:
    """A function that is translated where compiled code calls it, and runs as it stands in Python."""

    def __init__(self, function: Callable[..., Any], *, inline: bool) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self.inline = inline

    @functools.cached_property
    def _part(self) -> Any:
        return _linking().part(self.py_func, inline=self.inline)

    @property
    def _numba_type_(self) -> Any:
        return _linking().PartType(self._part)  # it refers to the part weakly

    def __call__(self, *args: Any) -> Any:
        """Call the Python function."""
        return self.py_func(*args)


def compiled(function: F) -> F:
    """Let compiled code call a function. Called by Python it is ordinary Python."""
    return cast(F, Compiled(function, inline=False)) if IS_COMPILED else function


def inlined(function: F) -> F:
    """As `compiled`, and written out wherever it is called: arrays are costly to hand on."""
    return cast(F, Compiled(function, inline=True)) if IS_COMPILED else function


class Unit:
    """A function with all it needs as machine code of its own, which other compiled code calls by address.

    What few scenarios need is not compiled for the others. The caller has an int64 array `k`, and the
    address stands in `k[place]`.
    """

    def __init__(self, function: Callable[..., Any], place: int) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self.place = place

    @property
    def name(self) -> str:
        """The function and its module, as its compiled code is kept on disk."""
        return f"{self.py_func.__module__}.{self.py_func.__qualname__}"

    @functools.cached_property
    def _machine_code(self) -> Any:
        return _linking().machine_code(self.py_func, is_for_python=False)

    @functools.cached_property
    def _numba_type_(self) -> Any:
        return _linking().type_of_unit(self.py_func, self.place)

    def __call__(self, *args: Any) -> Any:
        """Call the Python function."""
        return self.py_func(*args)

    def address(self, *arguments: Any) -> int:
        """Where the machine code begins, for arguments like these; compiled now if it is not on disk."""
        return int(_linking().address_of(self._machine_code, arguments)) if IS_COMPILED else 0


def unit(place: int) -> Callable[[Callable[..., Any]], Unit]:
    """Make a function a `Unit`."""
    return lambda function: Unit(function, place)


def entry(function: F) -> F:
    """Compile a function that Python calls, on first use and with all it needs; keep it on disk.

    It runs without the interpreter's lock.
    """
    if not IS_COMPILED:
        return function
    return cast(F, _linking().machine_code(getattr(function, "py_func", function)))


def primitive(function: F, code: Callable[[Any, Any, Any], Any], result: str, *arguments: str) -> F:
    """Translate a Python function by `code(build, values, to)`, which writes it with LLVM's builder.

    result, arguments: names of Numba's types. to: the first of them, as LLVM has it.
    """
    _PRIMITIVES.append((function, code, result, *arguments))
    return function


def _linking() -> Any:
    """Numba's part, which knows all primitives that the modules imported so far have defined."""
    from sim.numerics import linking

    while _PRIMITIVES:
        linking.register_primitive(*_PRIMITIVES.pop(0))
    return linking
