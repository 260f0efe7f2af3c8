"""Predictions of a stored model, for its sample rows or for a CSV file. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cali_reg import artifacts
from cali_reg.errors import UsageError
from cali_reg.model import LinearModel, QuantizedModel
from cali_reg.rows import read_rows


def describe_samples(folder: Path) -> str:
    """Return the sample rows' predictions by both models, and how far apart they are."""
    model = artifacts.load_model(folder)
    if not model.samples:
        raise UsageError(
            f"{folder / artifacts.MODEL}: holds no sample rows; name a CSV file, or - for"
            " standard input"
        )
    predictions = [model.predict(row) for row in model.samples]
    text = f"Sample predictions: {format_values(predictions)}\n"
    if not (folder / artifacts.QUANTIZED).exists():
        return text + "Quantized: none yet (run `cali-reg quantize`)\n"
    quantized = artifacts.load_quantized(folder, model)
    others = [quantized.predict(row) for row in model.samples]
    largest = max(abs(a - b) for a, b in zip(predictions, others, strict=True))
    return (
        f"{text}uint{quantized.bits} predictions:  {format_values(others)}\n"
        f"Largest difference: {largest:.6f} {model.target}\n"
    )


def predict_file(folder: Path, path: str, precision: str) -> str:
    """Return one prediction a line for the rows of a CSV file, in shortest exact decimals."""
    model = artifacts.load_model(folder)
    predictor: LinearModel | QuantizedModel = model
    if precision == "uint8":
        predictor = artifacts.load_quantized(folder, model)
    rows = read_rows(path, model.columns)
    lines = [repr(predictor.predict(row)) for _, row in rows]
    return "\n".join([*lines, ""])


def format_values(values: Sequence[float]) -> str:
    """Return values as NumPy prints them with three decimals: ``[0.719 1.764]``."""
    return f"[{' '.join(f'{value:.3f}' for value in values)}]"
