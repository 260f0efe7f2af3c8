"""Quantize the model of a folder, and measure the change on the training rows if available."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cali_reg.errors import UsageError
from cali_reg.jobs.gates import check_contract
from cali_reg.jobs.training_data.base import EMBEDDED
from cali_reg.least_squares import moments_file
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.quantization.change_bound import Blocks
from cali_reg.quantization.quantizer import WIDTHS, Quantized, narrowest, quantize
from cali_reg.runtime.model import LinearModel


def quantize_model(
    folder: Path,
    bits: int,
    *,
    data: Sequence[str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    max_r2_loss: float,
    max_change: float | None = None,
) -> Quantized:
    """Quantize the model of a folder, and check the accuracy contract.

    Parameters
    ----------
    folder : Path
        The model's folder.
    bits : int
        Width of a code, 2 to 16; 0 for the smallest width that keeps `max_change`.
    data : sequence of str, default=()
        Files of the training rows, to measure the largest change of a prediction.
    reading : mapping of str to value, optional
        How these files are read, where that differs from the training: fields of `Reading`.
    max_r2_loss : float
        The largest loss of R² that passes, on training and held-out rows.
    max_change : float, optional
        The largest change of a prediction that passes, in units of the target; by default any
        passes.

    Returns
    -------
    Quantized

    Raises
    ------
    GateError
        If the contract is not met.
    UsageError
        If the rows of `data` are not the training rows, and for 0 bits without `max_change`.
    ArtifactError, FormatError
        If the model cannot be read.
    """
    model, moments, blocks = _load(folder, data, reading)
    if bits:
        result = quantize(model, moments, bits, blocks=blocks)
    elif max_change is not None:
        result = narrowest(model, moments, max_change, blocks=blocks)
    else:
        raise UsageError("--bits auto requires --max-change, the change that is allowed")
    check_contract(result.model.contract, max_r2_loss=max_r2_loss, max_change=max_change)
    return result


def quantize_all_widths(
    folder: Path,
    data: Sequence[str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
) -> list[Quantized]:
    """Quantize the model of a folder to codes of each width from 2 to 16 bits.

    Parameters
    ----------
    folder : Path
        The model's folder.
    data : sequence of str, default=()
    reading : mapping of str to value, optional
        As in `quantize_model`.

    Returns
    -------
    list of Quantized
        In the order of the widths.

    Raises
    ------
    UsageError
        If the rows of `data` are not the training rows.
    ArtifactError, FormatError
        If the model cannot be read.
    """
    model, moments, blocks = _load(folder, data, reading)
    return [quantize(model, moments, bits, blocks=blocks) for bits in WIDTHS]


def _load(
    folder: Path, data: Sequence[str], reading: Mapping[str, Any]
) -> tuple[LinearModel, TrainTestMoments, Blocks | None]:
    model, moments = moments_file.load_with_model(folder)
    return model, moments, _training_rows(model, moments, data, reading)


def _training_rows(
    model: LinearModel,
    moments: TrainTestMoments,
    paths: Sequence[str],
    reading: Mapping[str, Any],
) -> Blocks | None:
    """Return the training rows, if they are embedded or named; they must have these moments."""
    if paths:
        from cali_reg.jobs.training_data.file_data import FileData

        files = FileData.for_model(model, paths, reading)
        if files.summary().train != moments.train:
            n_rows = moments.train.n_samples
            raise UsageError(f"{paths[0]}: its rows are not the {n_rows} training rows")
        return files.blocks
    if model.source.get("data") == EMBEDDED:
        from cali_reg.jobs.training_data.embedded_data import recorded_embedded_data

        embedded = recorded_embedded_data(model)
        if embedded is not None and embedded.summary().train == moments.train:
            return embedded.blocks
    return None
