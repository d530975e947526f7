"""Numba's compiler as the kernel uses it: functions are linked into entries, and optimised there once.

Numba by itself optimises every function together with all that it calls, and makes machine code and
a wrapper for Python of each; on some 130 functions that repeats most of the work. Here a function
is only translated (`part`), and the few that Python calls (`machine_code`) are linked with all
they need, optimised once and kept on disk.

The folder belongs to the user, and nobody else can write to it: reading compiled code means running it.
Where there is no such folder, code is compiled again in each process. A damaged file is compiled again and
replaced.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import logging
import os
import pickle
import platform
import shutil
import stat
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import types
from numba.core import serialize
from numba.core.caching import NullCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, CompileResult, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, PassManager, register_pass
from numba.core.registry import cpu_target
from numba.core.targetconfig import TargetConfig
from numba.extending import lower_builtin, models, register_model, type_callable

from sim.errors import RunError
from sim.files import whole_file

pickled: Any = serialize.dumps
NOTES = logging.getLogger("allpath")
SIM = Path(__file__).parents[1]
KEPT, RECENT = 3, 24 * 3600.0
"""Folders kept, one for each state of the sources: the newest, and those used within these seconds."""

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,  # counting references to the arrays at every call costs more than the kernel
    "no_cfunc_wrapper": True,
}
"""What is not set here would be taken over from the function that calls."""
NOT_NEEDED = {
    "DumpParforDiagnostics",
    "FindLiterallyCalls",
    "InlineClosureLikes",
    "InlineInlinables",
    "InlineOverloads",
    "LiteralPropagationSubPipelinePass",
    "LiteralUnroll",
    "MakeFunctionToJitFunction",
    "NoPythonSupportedFeatureValidation",
    "NopythonRewrites",
    "RewriteDynamicRaises",
    "RewriteSemanticConstants",
    "WithLifting",
}
"""Passes of Numba's front end for what the kernel has not: closures, array expressions, literals."""


_defaults: Any = cache(lambda kind: {name: option.default for name, option in kind.options.items()})
# Numba compares its flags each time it types an operation, one property after the other: a fifth of the work.
setattr(TargetConfig, "values", lambda self: {**_defaults(type(self)), **self._values})  # noqa: B010


class Part(JITCodeLibrary):
    """The code of one function, to be linked into an entry: neither optimised nor machine code."""

    def add_llvm_module(self, ll_module: Any) -> None:
        """Take the code in as it is."""
        self._final_module.link_in(ll_module)

    def finalize(self) -> None:
        """Nothing can be added any more."""
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """None: there is no machine code."""
        return 0

    @property
    def codegen(self) -> Any:
        """Where Numba sets the environment of a function, which this one has not."""
        return self

    def set_env(self, env_name: str, env: Any) -> None:
        """No machine code reads it."""

    def _get_module_for_linking(self) -> Any:
        """What a function compiled by Numba alone, as in a test, links when it calls this one."""
        if self._shared_module is None:
            module = self._final_module.clone()
            for library in parts_of(self):
                module.link_in(library._final_module, preserve=True)
            for function in module.functions:
                if not function.is_declaration:
                    function.linkage = "linkonce_odr"
            self._shared_module = module
        return self._shared_module


def parts_of(library: Any) -> list[Any]:
    """All that a library calls, directly or not, each once."""
    found: dict[Any, None] = {}
    waiting = list(library._linking_libraries)
    while waiting:
        part = waiting.pop()
        if part not in found:
            found[part] = None
            waiting.extend(part._linking_libraries)
    return list(found)


class Whole(Part):
    """An entry with all that it calls, directly or not: optimised together, then machine code."""

    codegen = JITCodeLibrary.codegen
    _get_module_for_linking = JITCodeLibrary._get_module_for_linking
    get_pointer_to_function = JITCodeLibrary.get_pointer_to_function

    def finalize(self) -> None:
        """Link, let LLVM see that nothing else calls the parts, optimise, and make machine code."""
        own = {function.name for function in self._final_module.functions if not function.is_declaration}
        for library in parts_of(self):
            self._final_module.link_in(library._final_module, preserve=True)
        for function in self._final_module.functions:
            if not function.is_declaration and function.name not in own:
                function.linkage = "internal"
        self._linking_libraries = []
        JITCodeLibrary.finalize(self)  # type: ignore[no-untyped-call]

    def _optimize_final_module(self) -> None:
        # the first, cheap run that Numba makes is for counting references
        passes, builder = self._codegen._module_pass_manager()  # type: ignore[no-untyped-call]
        passes.run(self._final_module, builder)


def _compiler(library: type[Part]) -> type[CompilerBase]:
    """Numba's compiler, without the passes that are not needed, writing into a library of this kind."""

    @register_pass(mutates_CFG=False, analysis_only=True)  # type: ignore[no-untyped-call]
    class IntoLibrary(AnalysisPass):
        _name = f"into_{library.__name__.lower()}"

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]

        def run_pass(self, state: Any) -> bool:
            state.library = library(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
            return False

    class Compiler(CompilerBase):
        def define_pipelines(self) -> list[PassManager]:
            builder: Any = DefaultPassBuilder
            passes = builder.define_nopython_pipeline(self.state)
            passes.passes = [one for one in passes.passes if one[0].__name__ not in NOT_NEEDED]
            passes.add_pass_after(IntoLibrary, passes.passes[0][0])
            passes.finalize()
            return [passes]

        def compile_extra(self, func: Any) -> Any:
            is_collecting = gc.isenabled()
            gc.disable()  # what a compilation makes, it keeps: looking for garbage takes a tenth of its time
            try:
                return super().compile_extra(func)  # type: ignore[no-untyped-call]
            finally:
                if is_collecting:
                    gc.enable()

    return Compiler


unliteral: Any = types.unliteral
named_tuple: Any = types.NamedTuple
type_of: Any = numba.typeof
PART, WHOLE = _compiler(Part), _compiler(Whole)


class PartType(types.Dispatcher):
    """A translated function in the eyes of Numba: one translation serves a constant and a variable alike."""

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """The signature of a call."""
        return super().get_call_type(context, tuple(map(unliteral, args)), kws)


register_model(PartType)(models.OpaqueModel)


def part(function: Callable[..., Any], *, inline: bool) -> Any:
    """A function that compiled code calls; its calls are translated as they are met."""
    njit: Any = numba.njit
    options = {"pipeline_class": PART, "no_cpython_wrapper": True, "forceinline": inline}
    return njit(**options, **OPTIONS)(function)


def machine_code(function: Callable[..., Any], *, is_for_python: bool = True) -> Any:
    """A function compiled on first use with all it needs, and kept on disk."""
    njit: Any = numba.njit
    options = {"pipeline_class": WHOLE, "no_cpython_wrapper": not is_for_python, "forceinline": False}
    made = njit(**options, **OPTIONS)(function)
    made._cache = KernelCache(function)
    return made


def canonical(found: Any) -> Any:
    """The type of a unit's argument: int64, float64, an array of these in C order, a tuple of arrays.

    Raises: TypeError for any other type, which caller and unit might not agree on.
    """
    if isinstance(found, types.NamedTuple):
        return named_tuple([canonical(part) for part in found.types], found.instance_class)
    if isinstance(found, types.Array):
        exact = types.Array(found.dtype, found.ndim, "C")
        if found == exact and found.dtype in (types.int64, types.float64):
            return exact
    elif isinstance(unliteral(found), types.Integer | types.Boolean):
        return types.int64
    elif found == types.float64:
        return found
    raise TypeError(f"{found} cannot be handed to a unit")


def address_of(function: Any, arguments: tuple[Any, ...]) -> int:
    """The address of a `machine_code` function for arguments of these types."""
    by = tuple(canonical(type_of(argument)) for argument in arguments)
    function.compile(by)
    made = function.overloads[by]
    return int(made.library.get_pointer_to_function(made.fndesc.llvm_func_name))


def type_of_unit(function: Callable[..., Any], place: int) -> Any:
    """The type of a function that returns float64 and is called by the address in its argument `k[place]`."""
    parameters = inspect.signature(function)
    position = list(parameters.parameters).index("k")

    def typed(*_arguments: Any) -> Any:
        return types.float64

    typed.__signature__ = parameters.replace(return_annotation=parameters.empty)  # type: ignore[attr-defined]
    type_callable(function)(lambda _context: typed)

    def lower(context: Any, build: Any, signature: Any, values: Any) -> Any:
        by = [canonical(one) for one in signature.args]
        given = [
            context.cast(build, value, one, to)
            for value, one, to in zip(values, signature.args, by, strict=True)
        ]
        k = context.make_array(by[position])(context, build, value=given[position])
        address = build.load(build.gep(k.data, [context.get_constant(types.intp, place)]))
        pointer = context.call_conv.get_function_type(types.float64, by).as_pointer()
        code = build.inttoptr(address, pointer)
        return context.call_conv.call_function(build, code, types.float64, by, given)[1]

    lower_builtin(function, types.VarArg(types.Any))(lower)  # type: ignore[no-untyped-call]
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    return cpu_target.typing_context.resolve_value_type(function)


def register_primitive(
    function: Callable[..., Any], code: Callable[[Any, Any, Any], Any], result: str, *arguments: str
) -> None:
    """Have Numba write calls of a function by `code`, see `compilation.primitive`."""
    to, by = getattr(types, result), [getattr(types, name) for name in arguments]
    typed = (lambda _first: to) if len(by) == 1 else (lambda _first, _second: to)
    type_callable(function)(lambda _context: typed)

    def lower(context: Any, build: Any, signature: Any, values: Any) -> Any:
        return code(build, values, context.get_value_type(signature.return_type))

    lower_builtin(function, *by)(lower)  # type: ignore[no-untyped-call]


# ---------------------------------------------------------------- on disk


def compiled_sources() -> list[Path]:
    """The files that compiled code depends on."""
    constants = [SIM / "pathway" / "layout.py", SIM / "pathway" / "names.py", SIM / "event_log" / "log.py"]
    constants += [SIM / "economics" / "layout.py", Path(__file__)]
    mark = b"from sim.numerics.compilation import"
    return constants + [path for path in sorted(SIM.rglob("*.py")) if mark in path.read_bytes()]


@cache
def cache_folder() -> Path | None:
    """The folder for compiled code of the present sources, Python and Numba; None: there is no safe one."""
    digest = hashlib.sha256(
        f"{platform.python_version()} {numba.__version__} {llvmlite.__version__}".encode()
    )
    for source in compiled_sources():
        digest.update(source.read_bytes())
    try:
        chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
        root = chosen if chosen.is_absolute() else Path.home() / ".cache"
        root.mkdir(parents=True, exist_ok=True)
        folder = _own(_own(root / "allpath") / digest.hexdigest()[:16])
        prune(folder)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        NOTES.warning("note: compiled code is not kept on disk: %s", error)
        return None
    return folder


def _own(folder: Path) -> Path:
    """A folder of the user's own, made where it is missing. Raises: OSError where it is somebody else's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} is not a folder")
    if hasattr(os, "geteuid"):
        if found.st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to another user")
        if found.st_mode & 0o022:
            raise PermissionError(f"others can write to {folder}")
        folder.chmod(0o700)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written to")
    return folder


def prune(folder: Path) -> None:
    """Mark a folder as the newest; remove all beside it but the newest few and those used in the last day."""
    os.utime(folder)
    beside = [(path.lstat().st_mtime, path) for path in folder.parent.iterdir() if path != folder]
    for used, path in sorted(beside, reverse=True)[KEPT - 1 :]:
        if used < time.time() - RECENT:
            shutil.rmtree(path, ignore_errors=True)


def is_kept(function: str) -> bool:
    """Whether the compiled code of an entry, `MODULE.FUNCTION`, is in the folder of this installation."""
    folder = cache_folder()
    return folder is not None and any(folder.glob(f"{function}-*"))


class KernelCache(NullCache):
    """The cache of one entry, a file for each signature and processor: a checksum, then the code."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = f"{function.__module__}.{function.__qualname__}"

    def file_of(self, signature: Any, context: Any) -> Path | None:
        """The file for a signature on this processor."""
        folder = cache_folder()
        key = hashlib.sha256(repr((signature, context.codegen().magic_tuple())).encode()).hexdigest()[:16]
        return None if folder is None else folder / f"{self.name}-{key}"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled before; None where there is nothing, or nothing that is whole."""
        target_context.refresh()
        file = self.file_of(sig, target_context)
        try:
            if file is None or not file.exists():
                return None
            checksum, code = (data := file.read_bytes())[:32], data[32:]
            if hashlib.sha256(code).digest() != checksum:
                raise ValueError("it is damaged")
            rebuild: Any = CompileResult._rebuild
            return rebuild(target_context, *pickle.loads(code))  # noqa: S301 - the folder is the user's own
        except Exception as error:  # whatever is wrong with the file, the sources are there
            NOTES.warning("note: compiled again, because %s cannot be read: %s", file, error)
            return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep what was compiled; where the disk does not take it, this process has it all the same."""
        file = self.file_of(sig, cres.target_context)
        if file is None:
            return
        code: bytes = pickled(cres._reduce())
        try:
            with whole_file(file, binary=True) as kept:
                kept.write(hashlib.sha256(code).digest() + code)
        except RunError as error:
            NOTES.warning("note: compiled code is not kept on disk: %s", error)
