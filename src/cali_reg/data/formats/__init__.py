"""One module per input format: `describe` finds a file's columns, `read` yields its rows."""
