"""One module per command. The docstring of the module is the summary shown by ``--help``."""
