"""Python's interface: train on files or data frames, load models, predict."""
