"""Any object as a joblib file, for programs that load one with joblib alone."""

from __future__ import annotations

import io


def joblib_bytes(value: object) -> bytes:
    """Return the bytes of a joblib file of `value`, the same on every Python."""
    import joblib

    buffer = io.BytesIO()
    joblib.dump(value, buffer, protocol=4)  # a fixed protocol: the default grows with Python
    return buffer.getvalue()
