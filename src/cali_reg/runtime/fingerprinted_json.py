"""Canonical JSON with a fingerprint: the same content is the same bytes, and damage shows."""

from __future__ import annotations

import hashlib
import json

from cali_reg.errors import FormatError

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import Any


_DEEPEST = 16  # levels of nesting; ours have six, and each level costs Python's stack


def dump(kind: str, version: int, content: dict[str, Any]) -> bytes:
    """Return `content` as canonical JSON: sorted keys, shortest floats, one newline at the end.

    ``format`` and ``version`` say what it is; ``fingerprint`` is the sha256 of the rest.
    """
    body = {**content, "format": f"cali-reg/{kind}", "version": version}
    return _canonical({**body, "fingerprint": _fingerprint(body)})


def load(kind: str, version: int, data: bytes, name: str) -> dict[str, Any]:
    """Read what `dump` wrote; `name` stands for the file in messages.

    Raises
    ------
    FormatError
        For anything but the very bytes that `dump` writes for this format and version.
    """
    expected = f"cali-reg/{kind}"
    try:
        body = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise FormatError(f"{name}: not JSON (damaged or cut off); make it anew") from None
    if not isinstance(body, dict) or _is_deep(body) or body.get("format") != expected:
        raise FormatError(f"{name}: not a {expected} file; expected one that cali-reg wrote")
    if body.get("version") != version:
        found = str(body.get("version"))[:20]
        raise FormatError(
            f"{name}: format version {found}; this cali-reg reads version {version}: update it"
            " or make the file anew"
        )
    fingerprint = body.pop("fingerprint", None)
    if not _is_intact(body, fingerprint, data):
        raise FormatError(
            f"{name}: the fingerprint does not match the content (edited or damaged);"
            " make the file anew"
        )
    return {**body, "fingerprint": fingerprint}


def _is_deep(value: object, levels: int = _DEEPEST) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deep(item, levels - 1) for item in inner)


def _is_intact(body: dict[str, Any], fingerprint: object, data: bytes) -> bool:
    try:
        canonical = _canonical({**body, "fingerprint": fingerprint})
        return fingerprint == _fingerprint(body) and data == canonical
    except ValueError:  # text that is no Unicode
        return False


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _canonical(body: dict[str, Any]) -> bytes:
    text = json.dumps(body, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _fingerprint(body: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(body)).hexdigest()
