"""One module per command, named in `COMMANDS`.

Each has `DESCRIPTION`, `EXAMPLES`, `add_arguments` and `run`; its docstring is the summary that
``--help`` shows.
"""

COMMANDS = ("train", "plan", "update", "quantize", "verify", "predict", "export")
