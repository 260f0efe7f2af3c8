"""Canonical JSON with a fingerprint: equal content is equal bytes, and a change is detected."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cali_reg.errors import FormatError

_MAX_DEPTH = 16  # levels of nesting; ours have six, and each level costs Python's stack
_NESTED = (dict, list, tuple)


def dump(kind: str, version: int, content: dict[str, Any]) -> tuple[bytes, str]:
    """Return content as canonical JSON: sorted keys, shortest floats, one newline at the end.

    Parameters
    ----------
    kind : str
        The type of the file: its field ``format`` is ``cali-reg/`` and this.
    version : int
        Version of that format.
    content : dict
        JSON values.

    Returns
    -------
    data : bytes
    fingerprint : str
        The SHA-256 of the file without its field ``fingerprint``, in hexadecimal.
    """
    body = {**content, "format": f"cali-reg/{kind}", "version": version}
    fingerprint = hashlib.sha256(_canonical(body)).hexdigest()
    return _canonical({**body, "fingerprint": fingerprint}), fingerprint


def load(kind: str, versions: Sequence[int], data: bytes, name: str) -> dict[str, Any]:
    """Parse and check what `dump` wrote.

    Parameters
    ----------
    kind : str
        The type of the file, as in `dump`.
    versions : sequence of int
        The versions that are accepted.
    data : bytes
        The whole file.
    name : str
        The file's name, for messages.

    Returns
    -------
    dict
        The content, with ``format``, ``version`` and ``fingerprint``.

    Raises
    ------
    FormatError
        For anything but the very bytes that `dump` writes for this format and these versions.
    """
    expected = f"cali-reg/{kind}"
    try:
        body = json.loads(data, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise FormatError(
            f"{name}: not valid JSON (damaged or cut off); create the file again"
        ) from None
    if not isinstance(body, dict) or _is_too_deep(body) or body.get("format") != expected:
        raise FormatError(f"{name}: not a {expected} file; expected one that cali-reg wrote")
    if type(body.get("version")) is not int or body["version"] not in versions:
        found, expected = str(body.get("version"))[:20], " or ".join(map(str, versions))
        raise FormatError(
            f"{name}: format version {found}; expected version {expected}: use the cali-reg that"
            " wrote it, or create the file again"
        )
    if not _is_intact(body, data):
        raise FormatError(
            f"{name}: the fingerprint does not match the content (edited or damaged);"
            " create the file again"
        )
    return body


def _is_too_deep(value: Any, levels: int = _MAX_DEPTH) -> bool:
    return levels == 0 or any(_is_too_deep(item, levels - 1) for item in _nested(value))


def _is_intact(body: dict[str, Any], data: bytes) -> bool:
    fingerprint = body.get("fingerprint")
    try:
        if data != _canonical(body):
            return False
    except ValueError:  # text that is not valid Unicode
        return False
    # the canonical text without this line is that of the other fields: they are sorted, and
    # `format` and `version` come after it
    before, _, after = data.partition(f'\n "fingerprint": {json.dumps(fingerprint)},'.encode())
    digest = hashlib.sha256(before)
    digest.update(after)
    return fingerprint == digest.hexdigest()


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)


def _canonical(body: dict[str, Any]) -> bytes:
    return (_text(body, "\n") + "\n").encode()


def _text(value: Any, line: str) -> str:
    """Return what ``json.dumps`` gives with an indent, but by its encoder in C, which has none.

    `line` is a line feed and the indent around `value`.
    """
    inner = line + " "
    if not isinstance(value, _NESTED):
        return _encoder(",").encode(value)
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    if not _nested(value):
        text = _encoder("," + inner).encode(value)
        return f"{text[0]}{inner}{text[1:-1]}{line}{text[-1]}"
    if isinstance(value, dict):
        key = _encoder(",").encode
        texts = (f"{key(name)}: {_text(item, inner)}" for name, item in sorted(value.items()))
        return f"{{{inner}{f',{inner}'.join(texts)}{line}}}"
    return f"[{inner}{f',{inner}'.join(_text(item, inner) for item in value)}{line}]"


def _nested(value: Any) -> list[Any]:
    """Return the objects and arrays that are directly in one."""
    items = value.values() if isinstance(value, dict) else value
    # a set of types is quicker to look through than a million numbers
    if not any(issubclass(kind, _NESTED) for kind in set(map(type, items))):
        return []
    return [item for item in items if isinstance(item, _NESTED)]


@functools.cache
def _encoder(separator: str) -> json.JSONEncoder:
    return json.JSONEncoder(
        sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(separator, ": ")
    )
