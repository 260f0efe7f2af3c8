"""Values as joblib files, for programs that load one with joblib alone."""

from __future__ import annotations

import io
import pickle

_PROTOCOL = 4  # fixed, for the same bytes on every Python: the default grows


def joblib_bytes(value: object) -> bytes:
    """Return the bytes of a joblib file of any value that can be pickled.

    Parameters
    ----------
    value : object

    Returns
    -------
    bytes
    """
    import joblib  # slow to import

    buffer = io.BytesIO()
    joblib.dump(value, buffer, protocol=_PROTOCOL)
    return buffer.getvalue()


def plain_joblib_bytes(value: bytes | tuple[object, ...]) -> bytes:
    """Return the same as `joblib_bytes` for values without arrays, without importing joblib.

    A joblib file without arrays is a plain pickle.

    Parameters
    ----------
    value : bytes or tuple
        Of numbers and of tuples of numbers.

    Returns
    -------
    bytes
    """
    return pickle.dumps(value, protocol=_PROTOCOL)
