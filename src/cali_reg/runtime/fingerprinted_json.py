"""Canonical JSON with a fingerprint: equal content is equal bytes, and a change is detected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cali_reg.errors import FormatError

_MAX_DEPTH = 16  # levels of nesting; ours have six, and each level costs Python's stack


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
    fingerprint = _fingerprint(body)
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
    fingerprint = body.pop("fingerprint", None)
    if not _is_intact(body, fingerprint, data):
        raise FormatError(
            f"{name}: the fingerprint does not match the content (edited or damaged);"
            " create the file again"
        )
    return {**body, "fingerprint": fingerprint}


def _is_too_deep(value: object, levels: int = _MAX_DEPTH) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_too_deep(item, levels - 1) for item in inner)


def _is_intact(body: dict[str, Any], fingerprint: object, data: bytes) -> bool:
    try:
        canonical = _canonical({**body, "fingerprint": fingerprint})
        return fingerprint == _fingerprint(body) and data == canonical
    except ValueError:  # text that is not valid Unicode
        return False


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)


def _canonical(body: dict[str, Any]) -> bytes:
    text = json.dumps(body, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _fingerprint(body: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(body)).hexdigest()
