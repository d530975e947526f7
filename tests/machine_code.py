"""Functions of the kernel as machine code: called by Python they are ordinary Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from sim.numerics.compilation import entry


class MachineCode:
    """The functions of a module as compiled code calls them; called by Python they are ordinary Python."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return machine_code(getattr(self.module, name))


@cache
def machine_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled, unless compilation is switched off."""
    return entry(function)
