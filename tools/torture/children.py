"""Run commands in child processes under limits, and observe how they end.

A child is forked from a process that has imported everything and started no thread: that takes
some ten milliseconds, where a Python process takes half a second. With ``whole_end`` it ends as any
Python process does, finalizers of libraries included, which takes longer than a short command. With
``own_process`` it is a Python process of its own.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

CPU_LIMIT = 5.0  # seconds: a run that computes longer hangs, however busy the machine is
WALL_LIMIT = 30.0  # seconds: a run that waits so long hangs
ADDRESS_LIMIT = 8 << 30  # bytes: protects the machine; what counts is the resident memory
_SENT = (signal.SIGINT, signal.SIGTERM)
_SECONDS_TO_CLOSE = 5.0  # for what a child that is killed leaves in its pipes

Main = Callable[[Sequence[str]], int]


class Outcome(NamedTuple):
    """How a run ended; a negative code is that of the signal that ended it."""

    code: int
    out: bytes
    err: bytes
    cpu: float  # seconds
    peak: int  # bytes of resident memory
    hung: bool


def cali_reg_main(arguments: Sequence[str]) -> int:
    """Run a cali-reg command in this process."""
    from cali_reg.cli.entrypoint import main

    return main(arguments)


def limit() -> None:
    """Limit what this process may use; `WALL_LIMIT` and the resident memory are only measured."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(CPU_LIMIT) + 1, int(CPU_LIMIT) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_LIMIT, ADDRESS_LIMIT))


class Child:
    """One run of a command, which has started."""

    def __init__(
        self,
        arguments: Sequence[object],
        folder: Path,
        *,
        prepare: Callable[[], object] | None = None,
        limits: Callable[[], object] = limit,
        own_process: bool = False,
        whole_end: bool = False,
        main: Main = cali_reg_main,
    ) -> None:
        out, err = os.pipe(), os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SENT)  # in the child, until the command begins
        self._pid = os.fork()
        if self._pid == 0:
            words, pipes = list(map(str, arguments)), (out[1], err[1])
            _become(words, folder, pipes, (limits, prepare), main, own_process, whole_end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT)
        os.close(out[1])
        os.close(err[1])
        self._texts = {out[0]: bytearray(), err[0]: bytearray()}
        self._deadline = time.monotonic() + WALL_LIMIT
        self._hung = False

    def send(self, number: int) -> None:
        """Send a signal."""
        os.kill(self._pid, number)

    def finish(self) -> Outcome:
        """Wait until it ends, or end it after `WALL_LIMIT`."""
        with selectors.DefaultSelector() as selector:
            for pipe in self._texts:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(max(0.0, self._deadline - time.monotonic())):
                    data = os.read(key.fd, 1 << 16)
                    self._texts[key.fd] += data
                    if not data:
                        selector.unregister(key.fd)
                        os.close(key.fd)
                if time.monotonic() > self._deadline and selector.get_map():
                    if self._hung:
                        break
                    self._hung = True
                    self.send(signal.SIGKILL)
                    self._deadline += _SECONDS_TO_CLOSE
        return self._wait()

    def _wait(self) -> Outcome:
        _, status, used = os.wait4(self._pid, 0)
        out, err = map(bytes, self._texts.values())
        cpu = used.ru_utime + used.ru_stime
        peak = used.ru_maxrss * 1024
        return Outcome(os.waitstatus_to_exitcode(status), out, err, cpu, peak, self._hung)


def run(arguments: Sequence[object], folder: Path, **options: Any) -> Outcome:
    """Run one command to its end; `options` are those of `Child`."""
    return Child(arguments, folder, **options).finish()


def _become(
    arguments: Sequence[str],
    folder: Path,
    pipes: tuple[int, int],
    prepare: Sequence[Callable[[], object] | None],
    main: Main,
    own_process: bool,
    whole_end: bool,
) -> None:
    """Run a command in this process, which was just forked, and end it."""
    code = 130
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(pipes[0], 1)
        os.dup2(pipes[1], 2)
        os.closerange(3, 256)
        os.chdir(folder)
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
        for function in filter(None, prepare):
            function()
        if _can_begin():
            if own_process:
                os.execv(sys.executable, [sys.executable, "-m", "cali_reg", *arguments])  # noqa: S606
            code = main(arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    if whole_end:
        ctypes.pythonapi.Py_Exit(code)  # runs no `finally` of the frames that were forked
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _can_begin() -> bool:
    """Let signals in; tell whether Control-C came before the command could begin."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT)
    except KeyboardInterrupt:
        return False
    return True


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder, and delete it. A `TemporaryDirectory` is deleted by each child, too."""
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def call(function: Callable[[], object]) -> Any:
    """Return what a function returns (JSON) in a child: its imports and threads stay there.

    Raises
    ------
    RuntimeError
        If it fails.
    """

    def main(_: Sequence[str]) -> int:
        print(json.dumps(function()))
        return 0

    outcome = run([], Path.cwd(), main=main, limits=lambda: None)
    if outcome.code:
        raise RuntimeError(f"exit code {outcome.code}: {outcome.err.decode(errors='replace')}")
    return json.loads(outcome.out.splitlines()[-1])


def import_what_is_imported(commands: Callable[[], object]) -> None:
    """Import all modules that commands import, without running them in this process."""

    def names() -> list[str]:
        commands()
        return sorted(sys.modules)

    for name in call(names):
        with suppress(ImportError):
            importlib.import_module(name)


def in_parallel(function: Callable[[int], object], n_workers: int) -> list[Any]:
    """Return what a function returns (JSON) for the numbers of workers, each a forked process.

    Raises
    ------
    RuntimeError
        If one of them fails.
    """
    workers = []
    for number in range(n_workers):
        reading, writing = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _work(function, number, writing)
        os.close(writing)
        workers.append((pid, reading))
    results = []
    for pid, reading in workers:
        with open(reading, "rb") as file:
            data = file.read()
        _, status = os.waitpid(pid, 0)
        if status or not data:
            raise RuntimeError(f"a worker failed with status {status}")
        results.append(json.loads(data))
    return results


def _work(function: Callable[[int], object], number: int, writing: int) -> None:
    code = 1
    try:
        with open(writing, "wb") as file:
            file.write(json.dumps(function(number)).encode())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)
