"""One module per command; its docstring is the command's summary in the help."""
