"""Fit the model, score it on held-out rows, and write its files."""

from __future__ import annotations

import argparse

from cali_reg.cli import argument_types, arguments
from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cali_reg.jobs.fit import Trained
    from cali_reg.least_squares.moments import Moments

_MOST_FOLDS = 100  # of files: the sums of all folds are kept at once


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg train``."""
    arguments.add_data(parser, "files to train on (default: California Housing, embedded)")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict, of --data")
    parser.add_argument(
        "--features",
        type=argument_types.names,
        metavar="A,B",
        help="columns to predict from (default: all but the target)",
    )
    parser.add_argument(
        "--categorical",
        type=argument_types.names,
        metavar="A,B",
        help="columns of text to encode one-hot; the first level is the baseline",
    )
    parser.add_argument(
        "--missing",
        choices=["refuse", "drop"],
        default="refuse",
        help="what to do with rows that lack a value (default: refuse)",
    )
    arguments.add_test_data(parser, "files of the held-out rows, all of them")
    parser.add_argument(
        "--test-size",
        type=argument_types.fraction,
        default=0.2,
        metavar="FRACTION",
        help="held-out part of the rows (default: 0.2)",
    )
    parser.add_argument(
        "--seed", type=argument_types.seed, default=42, help="of the split (default: 42)"
    )
    parser.add_argument(
        "--samples",
        type=argument_types.count,
        default=5,
        metavar="N",
        help="held-out rows to keep in model.json for a first prediction (default: 5)",
    )
    parser.add_argument(
        "--cv",
        type=argument_types.count,
        default=0,
        metavar="K",
        help="also print K-fold cross-validation",
    )
    arguments.add_gates(parser)
    _add_reading(parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add how files are read, which changes no result."""
    parser.add_argument(
        "--batch-size",
        type=argument_types.positive,
        default=60000,
        metavar="ROWS",
        help="rows to read at once (default: 60000); no result depends on it",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="read on a cluster: a scheduler's address, or local[:WORKERS] for processes here"
        " (needs the extra dask)",
    )


def run(options: argparse.Namespace) -> None:
    """Train on the embedded data or on files, check the gates, write the artifacts, print."""
    from cali_reg.least_squares.statistics.cross_validation import cross_validate
    from cali_reg.report import tables

    trained, folds = _train_files(options) if options.data else _train_embedded(options)
    scores = cross_validate(folds, trained.model.names) if options.cv else []
    artifacts.write(options.artifacts, trained.files)
    print(tables.trained(trained))
    if scores:
        print(tables.cross_validated(scores))
    print(tables.files(options.artifacts, trained.files), end="")


def _train_embedded(options: argparse.Namespace) -> tuple[Trained, Sequence[Moments]]:
    """Train on California Housing; also return the moments of the folds."""
    from cali_reg.data import california_housing
    from cali_reg.jobs import fit

    for name in ("target", "features", "categorical", "test_data", "dask"):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} goes with --data; name the files")
    table = california_housing.california_housing()
    rows, held_out = california_housing.split(table, options.test_size, options.seed)
    trained = fit.train(
        rows,
        held_out,
        source=california_housing.source_of(options.test_size, options.seed),
        n_samples=options.samples,
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
    )
    return trained, fit.folds_of(rows, options.cv, options.seed) if options.cv else []


def _train_files(options: argparse.Namespace) -> tuple[Trained, Sequence[Moments]]:
    """Train on files; also return the moments of the folds."""
    from cali_reg.jobs.train import Request, train_files

    if options.target is None:
        raise UsageError("--data needs --target, the column to predict")
    if options.cv == 1 or options.cv > _MOST_FOLDS:
        raise UsageError(f"--cv is {options.cv}; expected 2 to {_MOST_FOLDS}")
    request = Request(
        data=options.data,
        target=options.target,
        features=options.features,
        categorical=options.categorical or (),
        test_data=options.test_data or (),
        test_size=options.test_size,
        seed=options.seed,
        missing=options.missing,
        n_samples=options.samples,
        n_folds=options.cv or 1,
        batch_size=options.batch_size,
        dask=options.dask,
    )
    trained, summary = train_files(
        request, min_r2=options.min_r2, allow_collinear=options.allow_collinear
    )
    return trained, summary.groups[1:]
