"""Move a twelve-month window one month on: keep each month's exact sums, not its rows."""

import numpy as np

from cali_reg import ExactLinearRegression, Moments
from cali_reg.least_squares.solution import solve


def rows_of(month):
    """Return 500 rows of a month: X of shape (500, 3), y of shape (500,)."""
    rng = np.random.default_rng(month)
    X = rng.normal(size=(500, 3))
    return X, X @ [2.0, -1.0, 0.5] + rng.normal(size=500)


# What is stored of a month: 15 integers, however many rows it had.
sums = {month: Moments.from_arrays(*rows_of(month)) for month in range(1, 13)}
window = sums[1]
for month in range(2, 13):
    window += sums[month]

# A month later: add the new one, subtract the oldest.
window = window + Moments.from_arrays(*rows_of(13)) - sums[1]
updated = solve(window)

# The same model from scratch needs all rows again.
X, y = (np.concatenate(parts) for parts in zip(*map(rows_of, range(2, 14)), strict=True))
scratch = ExactLinearRegression().fit(X, y)

print("rows in the window:", window.n_samples)
print("coefficients:      ", *(f"{value:.6f}" for value in updated.coefficients))
print("same bits:         ", list(updated.coefficients) == scratch.coef_.tolist())
