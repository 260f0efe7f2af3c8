"""Fit the model, score it on held-out rows, and write its files."""

from __future__ import annotations

import argparse

from cali_reg.cli import argument_types, arguments, reading_arguments, train_arguments
from cali_reg.errors import UsageError
from cali_reg.runtime.artifacts import read_model
from cali_reg.runtime.atomic_files import write_files
from cali_reg.runtime.messages import print_notes, print_report
from cali_reg.runtime.reading.options import USUAL

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from cali_reg.jobs.training_data.base import TrainingData
    from cali_reg.runtime.schema import Column

DESCRIPTION = """\
Fit a linear regression by exact least squares, print its coefficients and its
scores on held-out rows, and write linear_model.joblib, moments.json and
model.json. Without --data it is trained on the embedded California Housing
data. If a check fails, no file is written."""

EXAMPLES = """\
cali-reg train
cali-reg train --data 'rows/*.parquet' --target price --categorical town
cali-reg train --data rows.csv --target price --json > report.json"""

_MOST_FOLDS = 100  # of files: the sums of all folds are kept in memory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg train``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    _add_rows(parser)
    train_arguments.add_model(parser)
    train_arguments.add_report(parser)
    train_arguments.add_split(parser)
    arguments.add_gates(parser)
    _add_batches(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the report as one JSON object: scores, coefficients, fingerprints and files",
    )
    reading_arguments.add_reading(parser)


def _add_rows(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which rows and columns to train on."""
    arguments.add_data(
        parser,
        f"training data: {arguments.FILES}; - reads CSV from standard input"
        " (default: the embedded California Housing data)",
    )
    parser.add_argument(
        "--target",
        type=str.strip,
        metavar="COLUMN",
        help="column to predict; required with --data",
    )
    parser.add_argument(
        "--features",
        type=argument_types.names,
        metavar="A,B",
        help="columns to predict from, separated by commas (default: those that the column plan"
        " finds)",
    )
    arguments.add_plan(parser)
    arguments.add_categories(parser)
    arguments.add_left_out(parser)


def _add_batches(parser: argparse.ArgumentParser) -> None:
    """Add the options of how much is read at once, and where, which change no result."""
    parser.add_argument(
        "--batch-size",
        type=argument_types.positive,
        default=60000,
        metavar="ROWS",
        help="rows to read at a time: changes memory and speed, but no result"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="read --data on a Dask cluster: the scheduler's address, such as tcp://host:8786, or"
        " local:N for N processes on this machine; needs cali-reg[dask] (default: threads)",
    )


def run(options: argparse.Namespace) -> None:
    """Train on the embedded data or on files, write the artifacts and print the report.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_arguments`.

    Raises
    ------
    GateError
        If R² on the held-out rows is below ``--min-r2``.
    UsageError
        If options do not fit together.
    DataError
        If the rows cannot be used, for example for missing values or collinear columns.
    ArtifactError
        If the artifacts cannot be written.
    """
    from cali_reg.jobs.train import train
    from cali_reg.least_squares.statistics.cross_validation import cross_validate
    from cali_reg.report import json_report, tables

    data = _file_data(options) if options.data else _embedded_data(options)
    trained = train(
        data,
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
        store_intervals=options.intervals or options.levels is not None,
        levels=options.levels,
        fit_intercept=not options.no_intercept,
    )
    folds = []
    if options.cv:
        folds = cross_validate(
            data.summary().folds,
            trained.model.names,
            trained.projected,
            fit_intercept=not options.no_intercept,
        )
    write_files(options.artifacts, trained.files)
    print_notes("cali-reg train", trained.notes)
    if options.json:
        summary = trained.summary(options.level, details=options.details)
        print(json_report.trained(trained, summary, options.artifacts, folds), end="")
        return
    print_report(tables.trained(trained, options.level, details=options.details) + "\n")
    if folds:
        print_report(tables.cross_validated(folds) + "\n")
    print_report(tables.files(options.artifacts, trained.files))


def _embedded_data(options: argparse.Namespace) -> TrainingData:
    from cali_reg.jobs.training_data.embedded_data import EmbeddedData

    for name in (
        "target",
        "features",
        "exclude",
        "max_levels",
        "strict",
        "categorical",
        "baseline",
        "not_missing",
        "test_data",
        "split_like",
        "dask",
    ):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} requires --data; name the files")
    reading_arguments.asked(options, has_files=False)
    for name, usual in (("missing", "error"), ("on_error", "stop")):
        if getattr(options, name) != usual:
            raise UsageError(f"--{name.replace('_', '-')} requires --data; name the files")
    if options.cv == 1:
        raise UsageError("--cv is 1; expected 2 or more folds")
    test_size, seed = _size_and_seed(options)
    return EmbeddedData(test_size, seed, options.samples, options.cv or 1)


def _size_and_seed(options: argparse.Namespace) -> tuple[float, int]:
    """Return the test size and the seed, or their defaults."""
    test_size = 0.2 if options.test_size is None else options.test_size
    if not test_size and not options.test_data and options.min_r2 is not None:
        raise UsageError(
            "--test-size 0 holds out no row, so --min-r2 cannot be checked; leave one of them out"
        )
    return test_size, 42 if options.seed is None else options.seed


def _file_data(options: argparse.Namespace) -> TrainingData:
    from cali_reg.jobs.training_data.file_data import FileData
    from cali_reg.jobs.training_data.file_options import FileOptions, split_of

    if options.target is None:
        raise UsageError("--data requires --target, the column to predict")
    if options.cv == 1 or options.cv > _MOST_FOLDS:
        raise UsageError(f"--cv is {options.cv}; expected 2 to {_MOST_FOLDS}")
    test_size, seed = _size_and_seed(options)
    keys: tuple[Column, ...] = ()
    if options.split_like is not None:
        for name in ("test_size", "seed", "test_data"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')} does not go with --split-like")
        split, keys = split_of(read_model(options.split_like))
        test_size, seed = split.test_size, split.seed
    return FileData(
        FileOptions(
            data=options.data,
            target=options.target,
            features=options.features,
            categorical=options.categorical or (),
            baselines=arguments.baselines(options),
            not_missing=arguments.not_missing(options),
            **arguments.plan_options(options),
            allow_collinear=options.allow_collinear,
            fit_intercept=not options.no_intercept,
            test_data=options.test_data or (),
            test_size=test_size,
            seed=seed,
            split_keys=keys,
            missing=options.missing,
            on_error=options.on_error,
            n_sample_rows=options.samples,
            n_folds=options.cv or 1,
            batch_size=options.batch_size,
            dask=options.dask,
            reading=USUAL.updated(reading_arguments.asked(options)),
        )
    )
