"""Load a model and predict rows. Standard library only: with `cli`, what the container holds."""
