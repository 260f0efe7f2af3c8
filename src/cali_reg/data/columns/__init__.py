"""Choose the columns of a model, find the levels of the categorical ones, and row numbers."""
