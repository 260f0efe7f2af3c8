"""Errors that users see: what, where, what was found, what was expected, what to do, in one line.

The command line prints the message of a `CaliRegError` without a traceback, and exits with code 2,
or with code 1 after a `GateError`.
"""


class CaliRegError(Exception):
    """A problem that the user can understand and fix: the base class of all errors here."""


class DataError(CaliRegError, ValueError):
    """The given rows or columns cannot be used."""


class FormatError(CaliRegError, ValueError):
    """A stored file is damaged, not from cali-reg, or of a newer format version."""


class ArtifactError(CaliRegError):
    """An artifact is missing, belongs to another model, or cannot be written."""


class UsageError(CaliRegError):
    """Options or arguments do not fit together, or do not fit the model."""


class GateError(CaliRegError):
    """A check failed: R² is too low, the accuracy contract is not met, or a file differs."""


class CollinearityWarning(UserWarning):
    """A column depends on others up to the rounding of its values: coefficients fit roundings."""


class DataWarning(UserWarning):
    """A note about the rows: what the commands print to standard error."""
