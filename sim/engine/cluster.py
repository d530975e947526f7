"""A Dask cluster as executor: blocks of the work on its workers, results in a folder that all share."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import platform
import re
import shutil
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from sim.engine.processes import AHEAD, Cluster, read_work
from sim.engine.run import ensure_compiled, kept
from sim.errors import InputError, RunError
from sim.files import reason, whole_file
from sim.numerics.linking import SIM

if TYPE_CHECKING:
    from distributed import Future

Whole = TypeVar("Whole")
Part = TypeVar("Part")
Done = TypeVar("Done")

BLOCKS = "allpath-blocks"
"""The folder of the blocks where none is named."""
CONNECT, JOIN, APPEAR = 10, 60, 30
"""Seconds to wait for the scheduler, for a first worker, and for a file of a worker to appear here."""
DEATHS = 30
"""Workers that may die with a block in hand. A worker takes several blocks, and each counts its death."""
PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "simpy", "pandas")
"""Packages that a result may depend on."""
WHOLE = "whole"
ADDRESS = re.compile(r"(tcp://|tls://)?([^][:/\s]+|\[[0-9A-Fa-f:.]+\]):[0-9]+")


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the work.

    file: of its result, beside the file WHOLE. facts: see `facts`. compiled: see `kept`.
    """

    file: str
    part: Any
    facts: Sequence[tuple[str, str]]
    compiled: Sequence[str]


class DaskCluster(Cluster):
    """Workers of a Dask scheduler, for the option `workers`, in a `with` block.

    address: of the scheduler, as `tcp://host:8786`. folder: one that this process and all workers see, by
    default `allpath-blocks` in the present folder. The results of blocks stay in it until the `with` block
    ends without an error; after one, the same work goes on from them.
    """

    def __init__(self, address: str, folder: str | os.PathLike[str] = BLOCKS) -> None:
        self.address, self.folder = address, Path(folder).absolute()
        self._used: list[Path] = []

    def __enter__(self) -> DaskCluster:
        """Connect.

        Raises: InputError where there is no scheduler, or a worker cannot take part; RunError where the
        scheduler goes away meanwhile.
        """
        self._client = self._connect()
        try:
            self._check_workers()
        except BaseException as error:
            self._client.close()
            with suppress(OSError):
                self.folder.rmdir()
            if isinstance(error, OSError):
                raise self._gone() from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect, and remove the blocks unless the work can go on from them."""
        for folder in self._used:
            if kind is None or not any(folder.glob("[!.]*-*")):
                shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.rmdir()
        with suppress(Exception):
            self._client.close(timeout=2)

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        """In another process: one worker, which does its part alone."""
        return int, (1,)

    def __str__(self) -> str:
        return self.address

    def _connect(self) -> Any:
        try:
            from distributed import Client, Security
        except ImportError as error:
            fact = "cluster: the library distributed is not installed"
            raise InputError(fact, 'pip install "allpath[cluster]"') from error
        if not ADDRESS.fullmatch(self.address):
            fact = f"cluster: `{self.address}` is no address of a scheduler"
            raise InputError(fact, "write it as `dask scheduler` prints it: tcp://HOST:8786")
        security: Any = Security()  # type: ignore[no-untyped-call]
        if self.address.startswith("tls://") and not security.tls_ca_file:
            fix = "set distributed.comm.tls in the configuration of Dask"
            raise InputError(f"cluster: {self.address} needs certificates", fix)
        for name in ("distributed", "distributed.client", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # an error is raised, and needs no log
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of other versions: `_check_workers` names those that matter
                client: Any = Client  # it has no types
                return client(self.address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            fact = f"cluster: no scheduler answers at {self.address}"
            fix = "start one with `dask scheduler`, and give the address that it prints"
            raise InputError(fact, fix) from error

    def _check_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=JOIN)
        except TimeoutError as error:
            fact = f"cluster: no worker has joined the scheduler at {self.address}"
            raise InputError(fact, f"start one with `dask worker {self.address} --nthreads 1`") from error
        token = self.folder / f".{uuid.uuid4().hex}"
        try:
            self.folder.mkdir(exist_ok=True)
            token.touch()
        except OSError as error:
            raise InputError(f"blocks: {self.folder}: {reason(error)}", "name another folder") from error
        try:
            answers = self._client.run(fault, facts(), str(token), on_error="return")
        finally:
            token.unlink()
        for worker, answer in sorted(answers.items()):
            if isinstance(answer, ImportError | AttributeError):
                raise InputError(f"cluster: worker {worker} has no allpath ({answer})", "install it there")
            if isinstance(answer, InputError):
                raise InputError(f"cluster: worker {worker} {answer.fact}", answer.fix)

        def allow_deaths(dask_scheduler: Any, *, deaths: int) -> None:
            dask_scheduler.allowed_failures = max(dask_scheduler.allowed_failures, deaths)

        with suppress(Exception):  # a scheduler that runs no functions keeps its own limit
            self._client.run_on_scheduler(allow_deaths, deaths=DEATHS)

    def in_blocks(
        self,
        work: Callable[[Whole, Part], Done],
        whole: Whole,
        parts: Iterable[Part],
        *,
        take: Callable[[Done], None],
    ) -> None:
        """Run `work(whole, part)` for every part on the workers; take is called with each result, in order.

        A block that is in the folder already is not run again. Raises: as `in_parts`.
        """
        data, here = pickle.dumps((work, whole)), facts()
        name = hashlib.sha256(data + repr(here).encode()).hexdigest()[:16]
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        self._used.append(folder)
        with whole_file(folder / WHOLE, binary=True) as file:
            file.write(data)
        compiled = kept()
        begun: deque[tuple[Block, Future[str] | None]] = deque()
        for number, part in enumerate(parts):
            if len(begun) >= AHEAD * self._n_threads():
                take(self._result(*begun.popleft()))
            digest = hashlib.sha256(pickle.dumps(part)).hexdigest()[:16]
            path = folder / f"{work.__name__}-{name}-{number:06}-{digest}"
            block = Block(str(path), part, here, compiled)
            begun.append((block, None if path.exists() else self._submit(block)))
        while begun:
            take(self._result(*begun.popleft()))

    def _submit(self, block: Block) -> Future[str]:
        future: Future[str] = self._client.submit(run_block, block, key=Path(block.file).name)
        return future

    def _result(self, block: Block, future: Future[str] | None) -> Any:
        path = Path(block.file)
        if future is None:
            try:
                return pickle.loads(read_block(path)[1])  # noqa: S301 - a worker has written it
            except (OSError, ValueError):  # damaged: it is run again, and replaced
                path.unlink(missing_ok=True)
                future = self._submit(block)
        with self._calls():
            digest = future.result()
        for _ in range(APPEAR * 10):
            if not path.parent.exists():
                fix = "start this one again, with a folder of its own (--blocks)"
                raise RunError(f"blocks: another command has removed {path.parent}\n    {fix}")
            with suppress(OSError, ValueError):
                found, data = read_block(path)
                if found == digest:
                    return pickle.loads(data)  # noqa: S301 - a worker has written it
            time.sleep(0.1)
        raise InputError(f"blocks: a worker has written {path}, and it is not seen here", SHARED)

    def _n_threads(self) -> int:
        with self._calls():
            threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    @contextmanager
    def _calls(self) -> Iterator[None]:
        """Calls of the scheduler. Raises: RunError where it is gone, or workers die."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            yield
        except KilledWorker as error:
            fact = f"cluster: {error.allowed_failures + 1} workers died with one block"
            raise RunError(f"{fact}\n    their memory may be too small: see the log of a worker") from error
        except (CancelledError, CommClosedError, TimeoutError) as error:
            raise self._gone() from error

    def _gone(self) -> RunError:
        fact = f"cluster: the scheduler at {self.address} is gone"
        return RunError(f"{fact}\n    start it, its workers and the same command again")


SHARED = "name a folder on a disk that this machine and all workers share"


# ---------------------------------------------------------------- on a worker


def run_block(block: Block) -> str:
    """Run a part of the work and write its result, whole or not at all; returns the digest of the file.

    A result that is there is kept: the worker that wrote it may have died before its digest was known.
    """
    path = Path(block.file)
    whole = path.with_name(WHOLE)
    ready_for(block.facts, str(whole), tuple(block.compiled))
    with suppress(OSError, ValueError):
        return read_block(path)[0]
    work, all_parts = read_work(str(whole))
    data = pickle.dumps(work(all_parts, block.part))
    digest = digest_of(path, data)
    with whole_file(path, binary=True) as file:
        file.write(digest)
        file.write(data)
    return digest.hex()


def digest_of(path: Path, data: bytes) -> bytes:
    """The digest of a block: of its name too, so that none is taken for another."""
    return hashlib.sha256(path.name.encode() + data).digest()


def read_block(path: Path) -> tuple[str, bytes]:
    """The digest of a block, and its bytes.

    Raises: OSError where there is none, ValueError where it is damaged.
    """
    content = path.read_bytes()
    digest, data = content[:32], content[32:]
    if digest_of(path, data) != digest:
        raise ValueError(f"{path} is damaged")
    return digest.hex(), data


@cache
def ready_for(expected: tuple[tuple[str, str], ...], shared: str, compiled: tuple[str, ...]) -> None:
    """Check once in a process that it can take part, and compile what it needs once on its machine."""
    found = fault(expected, shared)
    if found is not None:
        raise InputError(f"cluster: worker on {platform.node()} {found.fact}", found.fix)
    ensure_compiled(compiled)


def fault(expected: Sequence[tuple[str, str]], shared: str) -> InputError | None:
    """Why this process cannot take part. expected: the client's facts; shared: a file that it has made."""
    for (name, here), (_, there) in zip(facts(), expected, strict=True):
        if here != there:
            what = f"has other sources of allpath ({here}) than this command ({there})"
            if name != "sources":
                what = f"has {name} {here}, and this command {there}"
            return InputError(what, "install the same versions on all machines, and restart the workers")
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        what = "may do linear algebra in several threads, which gives other last bits"
        return InputError(what, "start it with a nanny, or with OPENBLAS_NUM_THREADS=1")
    if not Path(shared).exists() or not os.access(Path(shared).parent, os.W_OK):
        return InputError(f"cannot write in the folder {Path(shared).parent}, or does not see it", SHARED)
    return None


@cache
def facts() -> tuple[tuple[str, str], ...]:
    """Names and values that must be the same in all processes: of the sources, Python and packages."""
    digest = hashlib.sha256()
    for source in sorted(SIM.rglob("*.py")):
        digest.update(source.read_bytes())
    packages = ((name, version(name)) for name in PACKAGES)
    return ("sources", digest.hexdigest()[:12]), ("Python", platform.python_version()), *packages
