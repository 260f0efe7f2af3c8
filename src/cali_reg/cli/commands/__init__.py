"""One module per command, named in `COMMANDS`. Its docstring is the summary shown by ``--help``."""

COMMANDS = ("train", "update", "quantize", "verify", "predict", "export")
