"""Moments as JSON: canonical, loss-free, and hostile to whatever is not moments."""

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from random_tables import Table, tables

from cali_reg.errors import FormatError
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.runtime import fingerprinted_json

# n, sum x, sum y, sum xx, sum xy, sum yy of the rows (x, y) = (1, 1), (2, 3)
GOOD = ["0x1p1", "0x3p0", "0x1p2", "0x5p0", "0x7p0", "0x5p1"]


def document(**changes: Any) -> str:
    """Return the JSON of good moments with some members changed."""
    return json.dumps({"n_features": 1, "sums": GOOD} | changes)


def sums_with(position: int, value: Any) -> str:
    """Return the JSON of good moments with one sum changed."""
    return document(sums=[*GOOD[:position], value, *GOOD[position + 1 :]])


@given(tables())
def test_round_trip_is_byte_identical(table: Table) -> None:
    """What was written reads back equal, and is written the same."""
    moments = Moments.from_arrays(*table)
    text = moments.to_json()
    assert Moments.from_json(text) == moments
    assert Moments.from_json(text.encode()).to_json() == text


def test_json_is_canonical() -> None:
    """Keys are sorted, mantissas odd, one newline ends the text: the format is fixed."""
    moments = Moments.from_arrays([[1.0], [2.0]], [1.0, 3.0])
    lines = ["{", ' "n_features": 1,', ' "sums": [', *(f'  "{s}",' for s in GOOD[:-1])]
    assert moments.to_json() == "\n".join([*lines, f'  "{GOOD[-1]}"', " ]", "}", ""])


def test_extreme_sums_survive() -> None:
    """The largest and the smallest squares of float64, the sign and zero."""
    X = np.array([[1.7976931348623157e308, 5e-324, 0.0]])
    moments = Moments.from_arrays(X, [-5e-324])
    assert Moments.from_json(moments.to_json()) == moments
    values = moments.to_dict()["sums"]
    assert values[:4] == ["0x1p0", "0x1fffffffffffffp971", "0x1p-1074", "0"]
    assert values[-1] == "0x1p-2148"
    assert values[4] == "-0x1p-1074"


def test_no_rows_survive() -> None:
    """The moments of no rows are zeros, and can be stored."""
    zero = Moments.from_arrays(np.empty((0, 1)), np.empty(0))
    assert zero.to_dict() == {"n_features": 1, "sums": ["0"] * 6}
    assert Moments.from_json(zero.to_json()) == zero


def test_the_good_document_is_good() -> None:
    """The hostile ones below fail for what was changed, and for nothing else."""
    assert Moments.from_json(document()) == Moments.from_arrays([[1.0], [2.0]], [1.0, 3.0])


NO_SUMS = {
    "even mantissa": "0x2p0",
    "zero mantissa": "0x0p0",
    "leading zero": "0x01p0",
    "upper case": "0xAp0",
    "plus sign": "+0x1p0",
    "negative zero": "-0",
    "exponent -0": "0x1p-0",
    "exponent with a zero": "0x1p01",
    "exponent below the smallest square": "0x1p-2149",
    "exponent of five digits": "0x1p10000",
    "decimal": "1.5",
    "trailing newline": "0x1p0\n",
    "space": " 0x1p0",
    "other digits": "0x1p\u0661",
    "huge mantissa": "0x" + "f" * 1201 + "p0",
    "huge string": "f" * 10**6,
    "infinity": "inf",
    "empty": "",
    "number": 1,
    "boolean": True,
    "null": None,
    "list": [["0x1p0"]],
    "nested list": json.loads("[" * 400 + "]" * 400),
    "NaN": float("nan"),
    "float": 1e308,
}


@pytest.mark.parametrize("value", NO_SUMS.values(), ids=NO_SUMS.keys())
@pytest.mark.parametrize("position", [0, 4])
def test_what_is_no_sum_is_refused(value: Any, position: int) -> None:
    """Only the canonical text of a number that can be a sum is read."""
    with pytest.raises(FormatError, match="is not a sum; expected the form 0x1fp-3"):
        Moments.from_json(sums_with(position, value))


HOSTILE = {
    "empty": "",
    "not valid JSON": "moments",
    "cut off": document()[:-5],
    "two documents": document() * 2,
    "not UTF-8": b"\xff\xfe\x00",
    "deep lists": "[" * 200_000,
    "deep objects": '{"sums":' * 200_000,
    "long number": '{"n_features": ' + "9" * 5000 + ', "sums": []}',
    "list": "[]",
    "null": "null",
    "NaN": "NaN",
    "Infinity": document(n_features=float("inf")),
    "NaN features": document(n_features=float("nan")),
    "no features": json.dumps({"sums": GOOD}),
    "no sums": json.dumps({"n_features": 1}),
    "sums are no list": document(sums="0x1p0"),
    "sums are an object": document(sums={"0": "0x1p0"}),
    "features are text": document(n_features="1"),
    "features are a float": document(n_features=1.0),
    "features are boolean": document(n_features=True),
    "features are negative": document(n_features=-1),
    "too few sums": document(sums=GOOD[:-1]),
    "too many sums": document(sums=[*GOOD, "0"]),
    "features for other sums": document(n_features=10**9),
    "half a row": sums_with(0, "0x5p-1"),
    "a millionth of a row": sums_with(0, "0x200000000001p-44"),
    "a negative number of rows": sums_with(0, "-0x1p1"),
    "no rows, and sums": sums_with(0, "0"),
    "a negative square": sums_with(3, "-0x5p0"),
    "a sum too large for its square": sums_with(1, "0x7p0"),
    "a product too large for its squares": sums_with(4, "0x1p3"),
    "a product too small for its squares": sums_with(4, "-0x1p3"),
    "a square of zero, and a product": sums_with(5, "0"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_documents_are_refused(text: str | bytes) -> None:
    """Nothing but moments that rows can have is read; all else is a FormatError."""
    with pytest.raises(FormatError, match=r"^moments: "):
        Moments.from_json(text)


def test_the_largest_sum() -> None:
    """Fewer than 2**63 squares of float64 numbers stay below a power of two; memory does, too."""
    assert Moments.from_json(sums_with(5, "0x1p2111")).n_samples == 2
    with pytest.raises(FormatError, match="is not a sum"):
        Moments.from_json(sums_with(5, "0x1p2112"))
    n_features = 150
    sums = ["0x1p2111"] * ((n_features + 2) * (n_features + 3) // 2)
    text = document(n_features=n_features, sums=sums)
    tracemalloc.start()
    Moments.from_json(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6


def test_many_zeros_are_a_number() -> None:
    """Those of the levels of one column; fewer than 16 are texts, and no other number is read."""
    X = np.zeros((40, 30))
    X[np.arange(40), np.arange(40) % 30] = 1.0
    moments = Moments.from_arrays(X, np.arange(40.0))
    values = moments.to_dict()
    numbers = [value for value in values["sums"] if isinstance(value, int)]
    assert numbers == list(range(29, 15, -1))
    assert Moments.from_dict(values) == moments
    place = values["sums"].index(29)
    for wrong in (28, 30, -29, 10**18):
        values["sums"][place] = wrong
        with pytest.raises(FormatError, match="moments: "):
            Moments.from_dict(values)


def test_version_2_is_for_many_zeros_only() -> None:
    """One file has one form."""
    moments = Moments.from_arrays([[1.0], [2.0]], [1.0, 3.0])
    body = json.loads(TrainTestMoments(("x",), "y", moments, moments).to_json())
    for key in ("format", "version", "fingerprint"):
        del body[key]
    data = fingerprinted_json.dump("moments", 2, body)[0]
    with pytest.raises(FormatError, match="its sums are not of version 2"):
        TrainTestMoments.from_json(data)
