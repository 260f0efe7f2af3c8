"""Artifacts that somebody changed, and what `cali-reg verify` says of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commands import Run

from cali_reg.runtime import artifacts, fingerprinted_json

Body = dict[str, Any]


def resealed(data: bytes, **changes: object) -> bytes:
    """Return a document with other content and a fingerprint to match, as a forger would."""
    body = json.loads(data)
    kind, version = body.pop("format").split("/")[1], body.pop("version")
    del body["fingerprint"]
    return fingerprinted_json.dump(kind, version, {**body, **changes})[0]


HOSTILE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "not valid JSON"),
    "cut off": (lambda data: data[: len(data) // 2], "not valid JSON"),
    "binary": (lambda data: b"\x80\x04\x95" + data, "not valid JSON"),
    "deeply nested": (lambda data: b"[" * 100_000, "not valid JSON"),
    "nested in a field": (
        lambda data: data.replace(b'"rank": 8', b'"rank": ' + b"[" * 900 + b"]" * 900),
        "not a cali-reg/",
    ),
    "huge number": (lambda data: b"1" * 10_000, "not valid JSON"),
    "another type": (lambda data: b"[1, 2]\n", "not a cali-reg/"),
    "foreign": (lambda data: b'{"format": "onnx"}\n', "not a cali-reg/"),
    "newer": (lambda data: data.replace(b'"version": ', b'"version": 9'), "format version 9"),
    "edited": (
        lambda data: data.replace(b'"intercept": -3', b'"intercept": -4'),
        "the fingerprint",
    ),
    "spaces": (lambda data: data.replace(b": ", b":  "), "the fingerprint"),
    "no Unicode": (lambda data: data.replace(b"MedInc", b"\\ud800"), "the fingerprint"),
    "not a number": (lambda data: data.replace(b'"rank": 8', b'"rank": NaN'), "not valid JSON"),
}


def verdicts(run: Run, folder: Path, *options: object) -> tuple[int, dict[str, str], str]:
    """Verify a folder. Returns the exit code, the verdict on each file and the last line."""
    code, out, err = run("verify", "--artifacts", folder, *options)
    assert code < 2, err
    lines = (out + err).splitlines()
    found = dict(line.split("  ", 1) for line in lines[: len(artifacts.ALL)])
    assert sorted(found) == sorted(artifacts.ALL)
    return code, {name: text.strip() for name, text in found.items()}, lines[-1]


def differing(found: dict[str, str]) -> dict[str, str]:
    """Return the verdicts on the files that are not the same."""
    return {name: text for name, text in found.items() if not text.startswith("same")}


def forge(path: Path, change: Callable[[Body], None]) -> None:
    """Change a document and seal it again, as one would who does not want to be noticed."""
    data = path.read_bytes()
    body = json.loads(data)
    change(body)
    path.write_bytes(resealed(data, **body_of(body)))


def body_of(body: Body) -> Body:
    """Return a document without what sealing adds."""
    return {k: v for k, v in body.items() if k not in ("format", "version", "fingerprint")}
