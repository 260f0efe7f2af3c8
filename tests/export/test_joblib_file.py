"""Joblib files: they load with joblib alone, and their protocol is fixed."""

import io

import joblib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.export.joblib_file import joblib_bytes, plain_joblib_bytes


@pytest.mark.parametrize("value", [b"\x00\xff", (1, -2, 0.1), {"a": [1.5]}])
def test_joblib_bytes(value: object) -> None:
    """What is loaded is what was dumped; protocol 4 gives the same bytes on every Python."""
    data = joblib_bytes(value)
    assert joblib.load(io.BytesIO(data)) == value
    assert data[:2] == b"\x80\x04"


numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(allow_nan=False))


@given(
    st.one_of(
        st.binary(max_size=400),
        st.lists(st.integers(0, 2**16), max_size=400).map(tuple),
        st.tuples(numbers, st.lists(numbers, max_size=9).map(tuple), numbers),
    )
)
def test_plain_files_are_those_of_joblib(value: bytes | tuple[object, ...]) -> None:
    """Without joblib the bytes are the same, to the last."""
    assert plain_joblib_bytes(value) == joblib_bytes(value)
