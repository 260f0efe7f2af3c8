"""Exact least squares: sums, the solution, its errors and scores."""
