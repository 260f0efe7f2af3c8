"""Kills: at each call that changes the disk, at random moments, and while a process starts.

Whatever the moment, the next command finds one training in the folder, the old one or the new one,
and leaves no temporary file.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import children
from cases import Case
from materials import TRAIN
from states import READER, Command, check_folder, state_after

COMMANDS: tuple[Command, ...] = (  # all write into the folder m
    ("train", "--artifacts", "m", *TRAIN, "--data", "{more}"),
    ("quantize", "--artifacts", "m", "--bits", "6"),
    ("update", "--artifacts", "m", "--add", "{more}"),
    ("predict", "{more}", "--artifacts", "m", "--out", "m/out.csv"),
    ("predict", "{more}", "--artifacts", "m", "--out", "m/out.parquet"),
    ("export", "--artifacts", "m", "--format", "c", "--out", "m/model.h"),
)
_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"}
_CHANGES |= {"os.truncate", "os.chmod", "os.chown", "os.utime", "fcntl.flock", "fcntl.lockf"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_CALLS = 48  # tried of each command and signal; a command that makes fewer is not killed
_AT_CALLS = len(COMMANDS) * len(_SIGNALS) * _CALLS
_AT_RANDOM = 600
COUNT, QUICK = _AT_CALLS + _AT_RANDOM + 300, 160


def case(case: Case) -> None:
    """Kill one command, and look at what it leaves."""
    if case.number >= _AT_CALLS + _AT_RANDOM:
        _interrupt_start(case)
        return
    command = written_for(case, case.random.choice(COMMANDS))
    sent = case.random.choice(_SIGNALS)
    delay, call = 0.0, 0
    if case.number < _AT_CALLS:
        rest, which = divmod(case.number, len(COMMANDS))
        call, number = divmod(rest, len(_SIGNALS))
        command, sent = written_for(case, COMMANDS[which]), _SIGNALS[number]
    else:
        delay = case.random.random() * 0.15
    kill_and_check(case, command, sent, call, delay)


def written_for(case: Case, command: Command) -> Command:
    """Return a command with its paths."""
    return tuple(word.format(more=case.materials.more) for word in command)


def kill_and_check(case: Case, command: Command, sent: int, call: int, delay: float) -> None:
    """Kill a command at a call or after a delay; then the folder is read, and it runs again."""
    model = case.materials.models[0]
    case.copy_model()
    prepare = None if delay else partial(stop_at, call, partial(signal.raise_signal, sent))
    moment = f"after {delay:.3f} s" if delay else f"at call {call}"
    case.label = f"({signal.Signals(sent).name} {moment})"
    case.group = f"{command[0]} {signal.Signals(sent).name}"
    child = children.Child(command, case.folder, prepare=prepare)
    if delay:
        time.sleep(delay)
        child.send(sent)
    if case.finish(child, command, sent=sent).code == 0:
        return  # it was faster, or makes fewer calls
    before, after = state_after(model), state_after(model, command)
    if check_folder(case, [before, after], command):
        case.run(*command)
        check_folder(case, [after, state_after(model, command, command)], command)


def stop_at(call: int, stop: Callable[[], object]) -> None:
    """Call `stop` in this process right before a call that changes the disk, and after the last.

    The calls are counted from zero by Python's audit events, so that no tracer is needed; `fsync`
    has none and is wrapped.
    """
    seen = -1

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == call:
            stop()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and _is_writing(arguments)):
            count()

    def fsync(handle: Any, fsync: Callable[[Any], None] = os.fsync) -> None:
        count()
        fsync(handle)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(hook)


def _is_writing(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool((flags or 0) & _WRITING or set(mode or "") & set("wax+"))


def _interrupt_start(case: Case) -> None:
    """Interrupt a process that has just begun; what Python prints before our code is its."""
    case.copy_model()
    case.group = "start"
    child = children.Child(READER, case.folder, own_process=True)
    time.sleep(case.random.random() * 0.08)
    child.send(signal.SIGINT)
    outcome = child.finish()
    if b"cali_reg" in outcome.err or outcome.code not in (0, 1, 130, -signal.SIGINT):
        case.judge(outcome, READER, sent=signal.SIGINT)
