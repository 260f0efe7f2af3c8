"""Loss of R² by quantization, for 20 splits of California Housing and for wide models.

    python benchmarks/quantize.py

The first lines are the usual ways to quantize to uint8, on the default split; the last lines are
the time of the search for many features.
"""

from __future__ import annotations

import time

import numpy as np

from cali_reg.data.california_housing import Table, california_housing, split
from cali_reg.jobs.fit import Trained, fit
from cali_reg.jobs.training_data.embedded_data import summarize_tables
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.statistics.scores import score
from cali_reg.quantization.quantizer import Quantized, quantize
from cali_reg.runtime.schema import Column

SEEDS = range(42, 62)


def trained(rows: Table, held_out: Table) -> tuple[Trained, TrainTestMoments]:
    """Train. Returns the model and the moments that it was computed from."""
    summary = summarize_tables(rows, held_out, [slice(None)], 0)
    moments = TrainTestMoments(rows.names, rows.target, summary.train, summary.test)
    columns = tuple(map(Column, rows.names))
    return fit(moments, summary.ranges, columns=columns, samples=(), source={}), moments


def losses(table: Table, seed: int) -> list[Quantized]:
    """Quantize the model of one split to 8 and to 10 bits."""
    result, moments = trained(*split(table, 0.2, seed))
    return [quantize(result.model, moments, bits) for bits in (8, 10)]


def usual_recipes(table: Table) -> dict[str, float]:
    """Return R² on the held-out rows of the default split for the usual ways to quantize."""
    result, moments = trained(*split(table, 0.2, 42))
    weights = np.array(result.model.coefficients)
    every = np.append(weights, result.model.intercept)

    def minmax(values: np.ndarray, low: float, high: float) -> np.ndarray:
        step = (high - low) / 255
        return np.round((values - low) / step).clip(0, 255) * step + low

    both = minmax(every, every.min(), every.max())
    alone = minmax(weights, weights.min(), weights.max())
    return {
        "min-max of coefficients and intercept": score(
            moments.test, both[:-1].tolist(), both[-1]
        ).r2,
        "min-max of coefficients": score(moments.test, alone.tolist(), result.model.intercept).r2,
        "cali-reg": quantize(result.model, moments).after.r2,
    }


def wide(n_features: int) -> tuple[float, Quantized]:
    """Return the time and the result of quantizing a model of correlated random features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, n_features)) @ rng.normal(size=(n_features, n_features))
    y = X @ rng.normal(size=n_features) + rng.normal(size=4000)
    table = Table(tuple(f"x{j}" for j in range(n_features)), "y", X, y)
    result, moments = trained(table, table)
    start = time.perf_counter()
    quantized = quantize(result.model, moments)
    return time.perf_counter() - start, quantized


def main() -> None:
    """Print the usual ways, the table of splits and the times."""
    table = california_housing()
    for name, r2 in usual_recipes(table).items():
        print(f"{name:<38} R² {r2:12.4f}")
    print("\n| seed | 8 bits, training | 8 bits, held out | 10 bits, held out | proven |")
    print("|-----:|-----------------:|-----------------:|------------------:|-------:|")
    rows = []
    for seed in SEEDS:
        contracts = [result.model.contract for result in losses(table, seed)]
        row = [contracts[0]["r2_loss_train"], *(c["r2_loss_test"] for c in contracts)]
        proven = all(c["r2_gap"] == 0 for c in contracts)
        cells = [f"{value:.2e}" for value in row]
        print(f"| {seed} | {cells[0]:>16} | {cells[1]:>16} | {cells[2]:>17} | {proven!s:>6} |")
        rows.append(row)
    worst = np.abs(rows).max(axis=0)
    print(f"| most | {worst[0]:>16.2e} | {worst[1]:>16.2e} | {worst[2]:>17.2e} |        |\n")
    for n_features in (8, 16, 64):
        seconds, quantized = wide(n_features)
        contract = quantized.model.contract
        print(
            f"{n_features:>3} random features, 8 bits: {seconds:6.2f} s,"
            f" loss of R² {contract['r2_loss_train']:.2e}, gap {contract['r2_gap']:.2e}"
        )


if __name__ == "__main__":
    main()
