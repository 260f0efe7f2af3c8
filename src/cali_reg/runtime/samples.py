"""Predict the sample rows that a model stores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts
from cali_reg.runtime.messages import printable


def describe_samples(folder: Path) -> str:
    """Return the predictions of the sample rows by both models, as text.

    Where the codes are missing, or stale because they were made from another model, the text says
    so, and has the predictions of the float64 model.

    Parameters
    ----------
    folder : Path
        The model's folder. Its quantized model may be missing or stale.

    Raises
    ------
    ArtifactError, FormatError
        If the model is missing, or a file cannot be read, is damaged or belongs to another model.
    UsageError
        If the model holds no sample rows.
    """
    files = artifacts.Snapshot(folder, artifacts.MODEL, artifacts.QUANTIZED)
    model = files.model()
    if not model.samples:
        raise UsageError(
            f"{folder / artifacts.MODEL}: holds no sample rows (trained with --test-size 0 or"
            " --samples 0); name a CSV file, or - for standard input"
        )
    predictions = [model.predict(row) for row in model.samples]
    text = f"Sample predictions: {format_values(predictions)}\n"
    if not files.has(artifacts.QUANTIZED):
        return text + "Quantized: none yet (run `cali-reg quantize`)\n"
    quantized = files.find_quantized(model)
    if quantized is None:
        path = printable(str(folder / artifacts.QUANTIZED))
        return (
            text
            + f"Quantized: {path} is stale, made from another model (run `cali-reg quantize`)\n"
        )
    others = [quantized.predict(row) for row in model.samples]
    largest = max(abs(a - b) for a, b in zip(predictions, others, strict=True))
    return (
        f"{text}uint{quantized.bits} predictions:  {format_values(others)}\n"
        f"Largest difference: {largest:.6f} {printable(model.target)}\n"
    )


def format_values(values: Sequence[float]) -> str:
    """Return values with three decimals, as NumPy prints them: ``[0.719 1.764]``.

    Parameters
    ----------
    values : sequence of float
    """
    return f"[{' '.join(f'{value:.3f}' for value in values)}]"
