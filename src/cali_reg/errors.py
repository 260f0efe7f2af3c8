"""What can go wrong, in the user's words.

Every message is one line: what, where, what was found, what was expected, what to do.
"""


class CaliRegError(Exception):
    """A problem that the user can understand and mend."""


class DataError(CaliRegError, ValueError):
    """The rows or columns given cannot be used."""


class FormatError(CaliRegError, ValueError):
    """A stored file is damaged, foreign, or of a newer format."""


class ArtifactError(CaliRegError):
    """An artifact is missing or cannot be written."""


class UsageError(CaliRegError):
    """The command was called with options that do not fit."""


class GateError(CaliRegError):
    """A gate failed: the model is not what was asked for."""
