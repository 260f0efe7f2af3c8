"""Statistics of a solution: scores, Student's t, cross-validation."""
