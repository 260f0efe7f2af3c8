"""Describe the first difference between an artifact and its rebuild."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any

from cali_reg.errors import FormatError
from cali_reg.least_squares.moments import spread_zeros
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.runtime.model import LinearModel, QuantizedModel

_LOADERS = {
    "model.json": LinearModel.from_json,
    "moments.json": TrainTestMoments.from_json,
    "quantized.json": QuantizedModel.from_json,
}
_LINKS = ("model", "moments")  # fingerprints of other files: any other difference says more
_ROWS = {"train": "training", "test": "held-out"}
_SUM = re.compile(r"0x([0-9a-f]{1,12})p([0-9]{1,2})")
_VERSION = re.compile(rb"_sklearn_version\x94\x8c.([0-9a-z.]{1,20})\x94")

_ABSENT = object()

Path = tuple[str | int, ...]


def difference(name: str, found: bytes, rebuilt: bytes, columns: Sequence[str]) -> str:
    """Return the first difference between an artifact and its rebuild, in words.

    Parameters
    ----------
    name : str
        The file's name, such as ``model.json``.
    found : bytes
        The artifact, which may come from an attacker: it is only parsed as JSON, and shown escaped
        and shortened.
    rebuilt : bytes
        The file as it should be.
    columns : sequence of str
        Names of the features and of the target.

    Returns
    -------
    str
        Empty if there is no difference.
    """
    if found == rebuilt:
        return ""
    if name not in _LOADERS:
        return _of_pickles(found, rebuilt)
    try:
        _LOADERS[name](found)
    except FormatError as error:
        text = str(error).removeprefix(f"{name}: ")
    else:
        text = _of_documents(json.loads(found), json.loads(rebuilt), columns)
    return _cut(text if text.isprintable() else ascii(text), 240)


def _of_pickles(found: bytes, rebuilt: bytes) -> str:
    """Name the versions if they differ, else the first byte that does. Nothing is unpickled."""
    versions = [match and match[1].decode() for match in map(_VERSION.search, (found, rebuilt))]
    if None not in versions and versions[0] != versions[1]:
        return (
            f"written by scikit-learn {versions[0]}, rebuilt with {versions[1]}; verify again with"
            " the locked versions that it was made with"
        )
    for place, (one, other) in enumerate(zip(found, rebuilt, strict=False)):
        if one != other:
            return f"byte {place} is {one:#04x}, rebuilt {other:#04x}"
    return f"its size is {len(found)} bytes, rebuilt {len(rebuilt)}"


def _of_documents(found: Any, rebuilt: Any, columns: Sequence[str]) -> str:
    del found["fingerprint"], rebuilt["fingerprint"]
    linked = None
    for path, value, expected in _differences(_spread_zeros(found), _spread_zeros(rebuilt)):
        what = f"{_words(path, columns)} is {_cut(value, 60)}, rebuilt {_cut(expected, 60)}"
        if path[0] not in _LINKS:
            return what
        linked = linked or what
    return linked or "the same content, written differently"


def _differences(found: Any, rebuilt: Any, path: Path = ()) -> Iterator[tuple[Path, str, str]]:
    """Yield where two documents differ, and the texts of the values there."""
    if isinstance(found, dict) and isinstance(rebuilt, dict):
        keys: Iterable[Any] = {**rebuilt, **found}
    elif isinstance(found, list) and isinstance(rebuilt, list):
        keys = range(max(len(found), len(rebuilt)))
    else:
        texts = _text(found), _text(rebuilt)
        if texts[0] != texts[1]:
            yield path, *texts
        return
    for key in keys:
        yield from _differences(_get(found, key), _get(rebuilt, key), (*path, key))


def _get(container: Any, key: Any) -> Any:
    try:
        return container[key]
    except LookupError:
        return _ABSENT


def _spread_zeros(body: Any) -> Any:
    """Return moments with each zero in its place; other content as it is. Both were validated."""
    for part in _ROWS:
        values = body.get(part)
        sums = values.get("sums") if isinstance(values, dict) else None
        if isinstance(sums, list):
            body = {**body, part: {**values, "sums": spread_zeros(sums)}}
    return body


def _text(value: Any) -> str:
    """Return a JSON value as the file has it, and a short sum of `Moments` as a plain integer."""
    if value is _ABSENT:
        return "absent"
    match = _SUM.fullmatch(value) if isinstance(value, str) else None
    return str(int(match[1], 16) << int(match[2])) if match else json.dumps(value)


def _words(path: Path, columns: Sequence[str]) -> str:
    """Describe where a value is, with the names of columns in place of indices."""
    match path:
        case ("features", int(j), str(field)) if j < len(columns) - 1:
            return f"{field} of {columns[j]}"
        case ("codes" | "exponents" as field, int(j)) if j < len(columns) - 1:
            return f"{field[:-1]} of {columns[j]}"
        case ("train" | "test" as part, "sums", int(k)):
            pairs = list(combinations_with_replacement(("", *columns), 2))
            factors = [factor for factor in pairs[k] if factor]
            what = f"sum of {' × '.join(factors)} over the" if factors else "number of"
            return f"{what} {_ROWS[part]} rows"
    return ".".join(map(str, path))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "..."
