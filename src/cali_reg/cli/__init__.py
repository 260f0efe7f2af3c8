"""The command line: parser, arguments, commands. Standard library only when imported."""
