"""Any object as a joblib file, for programs that load one with joblib alone."""

from __future__ import annotations

import io


def joblib_bytes(value: object) -> bytes:
    """Return the bytes of a joblib file, the same on every Python.

    Parameters
    ----------
    value : object
        Anything that can be pickled.

    Returns
    -------
    bytes
    """
    import joblib

    buffer = io.BytesIO()
    joblib.dump(value, buffer, protocol=4)  # a fixed protocol: the default grows with Python
    return buffer.getvalue()
