"""Inputs of a rebuild: the available rows of a model, or its stored moments in place of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cali_reg.data.columns.levels import chosen_baselines
from cali_reg.data.columns.plan import read_asked
from cali_reg.errors import ArtifactError, UsageError
from cali_reg.jobs.fit import Ranges
from cali_reg.jobs.training_data.base import FILES, Block, holds_out_none
from cali_reg.jobs.training_data.embedded_data import recorded_embedded_data
from cali_reg.jobs.training_data.file_data import FileData
from cali_reg.jobs.training_data.file_options import recorded_options
from cali_reg.least_squares import moments_file
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.schema import Column, categorical, feature_names


@dataclass(frozen=True)
class TrainingRows:
    """What a rebuild needs of the training rows.

    Attributes
    ----------
    moments : Moments
    ranges : sequence of (minimum, maximum)
        One for each feature.
    blocks : callable
        Returns an iterator of the features in blocks of shape (n_rows, n_features).
    """

    moments: Moments
    ranges: Ranges
    blocks: Callable[[], Iterator[Block]]


@dataclass(frozen=True)
class HeldOutRows:
    """What a rebuild needs of the held-out rows.

    Attributes
    ----------
    moments : Moments
    samples : tuple of rows, or None
        The features of the rows to keep as samples; None for those of the model.
    """

    moments: Moments
    samples: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True)
class RebuildInputs:
    """What the artifacts of a folder are rebuilt from.

    Attributes
    ----------
    columns : tuple of Column
        The columns to predict from.
    target : str
        Name of the column to predict.
    source : dict
        The provenance to write.
    plan : dict, optional
        The column plan to write.
    training : TrainingRows, optional
        None if they are unavailable.
    held_out : HeldOutRows, optional
        None if they are unavailable.
    stored : TrainTestMoments, optional
        Those of ``moments.json``, to use in place of unavailable rows.
    is_exact : bool, default=False
        Whether the rows are those that ``cali-reg train`` would read, so that ranges are exact.
    is_embedded : bool, default=False
        Whether the training rows are embedded, so that ``cali-reg quantize`` measures on them.
    """

    columns: tuple[Column, ...]
    target: str
    source: dict[str, Any]
    plan: dict[str, Any] | None = None
    training: TrainingRows | None = None
    held_out: HeldOutRows | None = None
    stored: TrainTestMoments | None = None
    is_exact: bool = False
    is_embedded: bool = False


def find_inputs(
    model: LinearModel,
    data: Sequence[str],
    test_data: Sequence[str],
    reading: Mapping[str, Any],
) -> RebuildInputs:
    """Find the rows of a model, as far as they are available.

    Parameters
    ----------
    model : LinearModel
        It may be forged: its provenance is used to read the rows, and is then compared.
    data, test_data : sequence of str
        Files of the training rows, and of the held-out rows.
    reading : mapping of str to value
        How these files are read, where that differs from the training: fields of `Reading`.

    Returns
    -------
    RebuildInputs

    Raises
    ------
    DataError, UsageError
        For files that cannot be read, and for options that do not fit the model.
    ArtifactError
        If the model has other columns than the embedded data, whose rows are held out.
    """
    if model.source.get("data") == FILES:
        return _from_files(model, data, test_data, reading)
    if test_data:
        raise UsageError("--test-data is for models trained with --test-data; leave it out")
    inputs = _from_embedded(model)
    if not data:
        return inputs
    if (model.columns, model.target) != (inputs.columns, inputs.target):
        raise ArtifactError(
            f"{artifacts.MODEL}: its columns are not those of the embedded data; leave --data out"
        )
    # what update has left out, the model's provenance does not say; the sums decide
    rows = FileData.for_model(model, data, reading, on_error="skip")
    summary = rows.summary()
    training = TrainingRows(summary.train, summary.ranges, rows.blocks)
    return replace(inputs, training=training, is_exact=False, is_embedded=False)


def _from_embedded(model: LinearModel) -> RebuildInputs:
    data = recorded_embedded_data(model)
    if data is None:
        return RebuildInputs(model.columns, model.target, model.source)
    summary = data.summary()
    return RebuildInputs(
        data.columns,
        data.target,
        model.source,
        training=TrainingRows(summary.train, summary.ranges, data.blocks),
        held_out=HeldOutRows(summary.test, summary.sample_rows),
        is_exact=True,
        is_embedded=True,
    )


def _from_files(
    model: LinearModel,
    paths: Sequence[str],
    test_data: Sequence[str],
    reading: Mapping[str, Any],
) -> RebuildInputs:
    """Read the rows again, as ``cali-reg train`` would."""
    if not paths:
        return RebuildInputs(model.columns, model.target, model.source, model.plan)
    of_text = categorical(model.columns)
    options = replace(
        recorded_options(model, paths, reading),
        baselines=chosen_baselines(of_text),
        not_missing={column.name: column.not_missing for column in of_text},
        test_data=test_data,
        fit_intercept=model.fit_intercept,
    )
    is_updated = "updated" in model.source
    if model.plan is None or is_updated:
        options = replace(
            options,
            features=[column.name for column in model.columns],
            categorical=[column.name for column in of_text],
            strict=True,
        )
    else:
        options = replace(options, **read_asked(model.plan)._asdict())
    # version 1 had other levels for the same rows; after `update --unseen baseline` these stay
    keeps_levels = model.version == 1 or options.unseen == "baseline"
    data = FileData(options, model.columns if keeps_levels else None)
    summary = data.summary()
    knows_held_out = options.test_size or test_data or holds_out_none(model.source)
    has_held_out = bool(knows_held_out)
    samples = None if is_updated else summary.sample_rows
    return RebuildInputs(
        data.columns,
        model.target,
        model.source if is_updated or not has_held_out else data.provenance(),
        model.plan if is_updated else data.plan,
        training=TrainingRows(summary.train, summary.ranges, data.blocks),
        held_out=HeldOutRows(summary.test, samples) if has_held_out else None,
        is_exact=not is_updated,
    )


def use_stored_moments(files: artifacts.Snapshot, inputs: RebuildInputs) -> RebuildInputs:
    """Use ``moments.json`` in place of unavailable rows.

    Parameters
    ----------
    files : Snapshot
        Of the model's folder, with this file.
    inputs : RebuildInputs

    Returns
    -------
    RebuildInputs

    Raises
    ------
    ArtifactError, FormatError
        If the file cannot be read, or has other columns than the rows.
    """
    stored = moments_file.load(files)
    if (stored.names, stored.target) != (feature_names(inputs.columns), inputs.target):
        raise ArtifactError(
            f"{files.folder}: the columns of its files and of the rows differ; name the rows that"
            " the model was trained on"
        )
    training = inputs.training
    if inputs.is_embedded and training is not None and training.moments != stored.train:
        # updated since: other rows came or went
        return replace(inputs, training=None, stored=stored, is_exact=False, is_embedded=False)
    return replace(inputs, stored=stored, is_exact=False)
