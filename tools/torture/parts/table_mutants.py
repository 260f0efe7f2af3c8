"""Mutants of Parquet, Arrow and CSV files.

A command that accepts one runs twice, with other bytes in the memory that was used before: both
runs must give the same output, or something was read that is not in the file.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cases import Case
from materials import TRAIN
from verdicts import leftovers, snapshot

from parts.json_mutants import BYTE_CHANGES

COUNTS = {"parquet": (2000, 160), "arrow": (2000, 160), "csv": (1000, 80)}

_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("train", "--artifacts", "new", *TRAIN, "--data"),
    ("train", "--artifacts", "new", "--target", "price", "--features", "x,y", "--data"),
    ("predict", "--artifacts", "m"),
    ("predict", "--artifacts", "m", "--keep", "id,town", "--on-error", "skip"),
    *(
        ("predict", "--artifacts", "m", "--keep", "id,town", "--out", f"new/{name}")
        for name in ("x.csv", "x.parquet", "x.arrow")
    ),
    ("verify", "--artifacts", "m", "--data"),
    ("update", "--artifacts", "m", "--add"),
    ("quantize", "--artifacts", "m", "--data"),
)
_INTEGERS = (0, 1, -1, 2, 3, 60, 61, 1061, 2**16, 2**31 - 1, 2**31, 2**32, 2**62, -(2**63))


def case(kind: str, case: Case) -> None:
    """Let one command read one mutant of a format."""
    original = case.random.choice(case.materials.rows[kind])
    path = case.folder / ("mutant" + "".join(original.suffixes))
    path.write_bytes(_mutate(original.read_bytes(), case.random))
    command = case.random.choice(_COMMANDS)
    results = []
    for fill in (b"\x00", b"\xa5"):
        model = case.copy_model(name=fill.hex() + "m")
        outcome, result = _run(case, command, path, model, fill)
        results.append(result)
        if outcome:
            break
    if len(results) == 2 and results[0] != results[1]:
        case.fail("wrong", (*command, path.name), "two runs give different output")


def _run(
    case: Case, command: tuple[str, ...], path: Path, model: Path, fill: bytes
) -> tuple[int, object]:
    """Run a command in a folder of its own; return the exit code, and all that it gave."""
    folder = case.folder / fill.hex()
    folder.mkdir()
    model.rename(folder / "m")
    before = snapshot(folder)
    copied = command[0] == "predict"
    outcome = case.run(
        *(command[0], *_with_path(command[1:], path)),
        is_report=not copied,
        prepare=partial(_enter, folder, fill),
        whole_end=case.number % 4 == 0,
    )
    after = snapshot(folder)
    if outcome.code and after != before:
        case.fail("torn", (*command, path.name), f"exit code {outcome.code}, and files changed")
    for place in (folder, folder / "m", folder / "new"):
        if found := [name for name in leftovers(place, ()) if name.startswith(".cali-reg-")]:
            case.fail("leftover", (*command, path.name), str(found))
    return outcome.code, (outcome.out, after)


def _with_path(words: tuple[str, ...], path: Path) -> tuple[object, ...]:
    """Put the path where the command takes it: after its last option, or first for `predict`."""
    takes_paths = words[-1] in ("--data", "--add")
    return (*words, path) if takes_paths else (path, *words)


def _enter(folder: Path, fill: bytes) -> None:
    """Work in a folder, with known bytes in memory that Arrow will use again."""
    import pyarrow as pa

    os.chdir(folder)
    buffers = [pa.allocate_buffer(1 << k) for k in range(6, 21) for _ in range(4)]
    for buffer in buffers:
        memoryview(buffer).cast("B")[:] = fill * buffer.size


def _mutate(data: bytes, generator: random.Random) -> bytes:
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        data = generator.choice(_CHANGES)(data, generator) or data
    return data


def _near_the_end(data: bytes, generator: random.Random) -> bytes:
    """Change bytes in the last eighth, where Parquet and Arrow describe the rest."""
    cut = len(data) - max(1, len(data) // 8)
    return data[:cut] + generator.choice(BYTE_CHANGES)(data[cut:], generator)


def _integer(form: str, data: bytes, generator: random.Random) -> bytes:
    """Replace an aligned integer: a length, an offset, an index or a position."""
    size = struct.calcsize(form)
    if len(data) < size:
        return data
    position = generator.randrange(len(data) // size) * size
    (value,) = struct.unpack_from(form, data, position)
    value = generator.choice((*_INTEGERS, value + 1, value - 1, value * 2, -value))
    value &= (1 << 8 * size) - 1
    return data[:position] + value.to_bytes(size, "little") + data[position + size :]


def _count(data: bytes, generator: random.Random) -> bytes:
    """Replace one of the places that say how many rows there are."""
    counts = [struct.pack("<q", n) for n in (60, 40, 25, 20, 10)]
    places = [at for count in counts for at in _find_all(data, count) if at % 8 == 0]
    if not places:
        return _integer("<i", data, generator)
    at = generator.choice(places)
    return data[:at] + struct.pack("<q", generator.choice(_INTEGERS)) + data[at + 8 :]


def _find_all(data: bytes, piece: bytes) -> list[int]:
    return [at for at in range(0, len(data) - 7, 8) if data[at : at + len(piece)] == piece]


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *BYTE_CHANGES,
    *(_near_the_end, _near_the_end, _near_the_end, _near_the_end),
    *(partial(_integer, "<i"), partial(_integer, "<i"), partial(_integer, "<q"), _count, _count),
)
