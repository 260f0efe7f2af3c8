"""The command line. Only the standard library is imported until a command runs."""
