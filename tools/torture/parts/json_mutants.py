"""Mutants of model.json, moments.json and quantized.json.

Half of them keep their fingerprint, which then does not match: no command that reads the file may
accept it. The others are sealed again, as a forger would: a command may accept them, and must not
break.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

from cases import Case

from cali_reg.runtime import fingerprinted_json

COUNT, QUICK = 10_000, 800

_PREDICT = (
    ("predict",),
    ("predict", "{rows}"),
    ("predict", "{table}", "--interval", "0.95", "--out", "out.parquet"),
)
_COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {  # those that read the file
    "model.json": (
        *_PREDICT,
        ("quantize",),
        ("verify", "--trust-moments"),
        ("verify", "--data", "{rows}"),
        ("update", "--add", "{rows}"),
        ("export", "--format", "c"),
        ("export", "--format", "json"),
        ("train", "--data", "{rows}", "--target", "price", "--features", "x", "--split-like", "m"),
    ),
    "moments.json": (
        ("quantize",),
        ("verify", "--trust-moments"),
        ("verify", "--data", "{rows}"),
        ("update", "--add", "{rows}"),
        ("update", "--remove", "{rows}"),
    ),
    "quantized.json": (
        ("predict",),
        ("predict", "{rows}", "--precision", "uint8"),
        ("predict", "{table}", "--precision", "uint8"),
        ("verify", "--trust-moments"),
        ("verify", "--data", "{rows}"),
        ("export", "--format", "c", "--precision", "uint8"),
        ("export", "--format", "json", "--precision", "uint8"),
    ),
}
_LARGEST = sys.float_info.max
_VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "x", "\x1b[31m\n", "\u202e", "é" * 300, [], {}, [[]], {"a": {}}),
    *(0, 1, -1, 2, 17, 255, 256, 2**31, 2**53 + 1, 2**63, -(2**63), 10**400, 1e308, -1e308),
    *(5e-324, 0.5, 1e-9, _LARGEST, -0.0),
)


def case(case: Case) -> None:
    """Let one command read one mutant."""
    folder = case.copy_model()
    name = case.random.choice(list(_COMMANDS))
    original = (folder / name).read_bytes()
    is_sealed = case.random.random() < 0.5
    data = _sealed(original, case) if is_sealed else _stale(original, case.random)
    (folder / name).write_bytes(data)
    paths = {
        "{rows}": case.materials.rows["csv"][0],
        "{table}": case.materials.rows["parquet"][-1],
    }
    command, *rest = case.random.choice(_COMMANDS[name])
    arguments = (command, "--artifacts", "m", *(paths.get(word, word) for word in rest))
    outcome = case.run(*arguments, is_report=command not in ("predict", "export"))
    must_fail = not is_sealed or (command == "verify" and "--data" in rest)
    is_same = data == original or (is_sealed and _are_alike(original, data))
    if outcome.code == 0 and must_fail and not is_same:
        case.fail("wrong", arguments, f"accepts a {name} that was changed")


def _are_alike(original: bytes, data: bytes) -> bool:
    """Tell whether two files are the same, but for what `quantize` measures with --data only."""
    try:
        bodies = [json.loads(text) for text in (original, data)]
        for body in bodies:
            del body["fingerprint"]
            body["contract"].pop("max_change_measured", None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(bodies[0] == bodies[1])


def _sealed(original: bytes, case: Case) -> bytes:
    """Change values, and make the fingerprint match."""
    body = json.loads(original)
    kind, version = body.pop("format").split("/")[1], body.pop("version")
    del body["fingerprint"]
    for _ in range(case.random.choice((1, 1, 1, 2, 5))):
        _change_value(body, case.random)
    return fingerprinted_json.dump(kind, version, body)[0]


def _stale(original: bytes, generator: random.Random) -> bytes:
    """Change bytes or values, and leave the fingerprint as it was."""
    if generator.random() < 0.5:
        return generator.choice(BYTE_CHANGES)(original, generator)
    body = json.loads(original)
    _change_value(body, generator)
    text = json.dumps(body, sort_keys=True, indent=1, ensure_ascii=False)
    return (text + "\n").encode()


def _change_value(body: Any, generator: random.Random) -> None:
    """Replace, remove, repeat, move or add one value anywhere in a document."""
    every = list(places(body))
    container, key = generator.choice(every)
    other, other_key = generator.choice(every)
    what = generator.choice(("value", "value", "near", "remove", "move", "repeat", "add"))
    if what == "value":
        container[key] = generator.choice(_VALUES)
    elif what == "near":
        container[key] = _near(container[key], generator)
    elif what == "remove":
        del container[key]
    elif what == "move":
        container[key] = json.loads(json.dumps(other[other_key]))
    elif isinstance(container, list):
        container[key:key] = [container[key]] * generator.choice((1, 2, 1000))
    else:
        container[generator.choice(("", "a\x1b[1m", "name", "x" * 100))] = container[key]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container of a document with each of its keys."""
    keys: list[Any] = list(value) if isinstance(value, dict) else []
    if isinstance(value, list):
        keys = list(range(len(value)))
    for key in keys:
        yield value, key
        yield from places(value[key])


def _near(value: Any, generator: random.Random) -> Any:
    """Return a value of the same type that is a little or very different."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value * generator.choice((-1, 2, 2**64, 10**30)) + generator.choice((-1, 0, 1))
    if isinstance(value, float):
        near = (-value, value * 1e300, value * 1e-300, value + 1.0, float(int(value)), int(value))
        return generator.choice([number for number in near if abs(number) <= _LARGEST])
    if isinstance(value, str):
        return generator.choice((value[:-1], value * 50, value + "\n", value[::-1], value.upper()))
    return value[:-1] if isinstance(value, list) else dict(list(value.items())[1:])


def _flip(data: bytes, generator: random.Random) -> bytes:
    position = generator.randrange(len(data))
    flipped = data[position] ^ (1 << generator.randrange(8))
    return data[:position] + bytes([flipped]) + data[position + 1 :]


def _cut(data: bytes, generator: random.Random) -> bytes:
    return data[: generator.randrange(len(data))]


def _remove(data: bytes, generator: random.Random) -> bytes:
    start = generator.randrange(len(data))
    return data[:start] + data[start + generator.randrange(1, 64) :]


def _insert(data: bytes, generator: random.Random) -> bytes:
    start, length = generator.randrange(len(data)), generator.randrange(1, 64)
    return data[:start] + generator.randbytes(length) + data[start:]


def _repeat(data: bytes, generator: random.Random) -> bytes:
    start = generator.randrange(len(data))
    piece = data[start : start + generator.randrange(1, 400)]
    return data[:start] + piece * generator.choice((2, 3, 100)) + data[start + len(piece) :]


def _move(data: bytes, generator: random.Random) -> bytes:
    start, target = generator.randrange(len(data)), generator.randrange(len(data))
    piece = data[start : start + generator.randrange(1, 64)]
    return data[:target] + piece + data[target + len(piece) :]


BYTE_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _flip, _flip, _cut, _remove, _insert, _repeat, _move),
)
