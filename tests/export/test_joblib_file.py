"""Joblib files: they load with joblib alone, and their protocol is fixed."""

import io

import joblib
import pytest

from cali_reg.export.joblib_file import joblib_bytes


@pytest.mark.parametrize("value", [b"\x00\xff", (1, -2, 0.1), {"a": [1.5]}])
def test_joblib_bytes(value: object) -> None:
    """What is loaded is what was dumped; protocol 4 gives the same bytes on every Python."""
    data = joblib_bytes(value)
    assert joblib.load(io.BytesIO(data)) == value
    assert data[:2] == b"\x80\x04"
