"""Training data: the embedded data set and the rows of files, with one interface."""
