"""The rows of a model, embedded in the package or in files, in one form."""
