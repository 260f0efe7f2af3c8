"""Linear systems of integers: units, the exact rank, proven bounds on float64 solutions, balls."""
