"""The arguments of ``cali-reg train`` about the model, and about which rows it is scored on."""

from __future__ import annotations

import argparse
from pathlib import Path

from cali_reg.cli import argument_types, arguments


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add ``--no-intercept`` and the options of prediction intervals.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--no-intercept",
        action="store_true",
        help="fit without an intercept: the prediction is 0 where all features are; a level of the"
        " baseline adds nothing (default: with an intercept)",
    )
    parser.add_argument(
        "--intervals",
        action="store_true",
        help="also store prediction intervals if there are more than 200 features: p features take"
        " about p * p / 2 numbers (default: intervals of up to 200 features only)",
    )
    parser.add_argument(
        "--levels",
        type=argument_types.levels,
        metavar="A,B",
        help="confidence levels of the prediction intervals to store, separated by commas; stores"
        " them for any number of features (default: 0.5,0.8,0.9,0.95,0.98,0.99,0.999)",
    )


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add the options of the report, which change no file.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--level",
        type=argument_types.fraction,
        default=0.95,
        metavar="LEVEL",
        help="confidence level of the intervals of coefficients in the report, between 0 and 1;"
        " those of predictions have --levels (default: %(default)s)",
    )
    parser.add_argument(
        "--details",
        action="store_true",
        help="also print how much columns share: the inflation of the variance of each coefficient,"
        " and the condition number",
    )


def add_split(parser: argparse.ArgumentParser) -> None:
    """Add the options of the split into training and held-out rows, and of the folds.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    arguments.add_test_data(
        parser,
        "files of the held-out rows; all rows of --data are then training rows, and --test-size"
        " is not used",
    )
    parser.add_argument(
        "--test-size",
        type=argument_types.test_size,
        metavar="FRACTION",
        help="fraction of the rows to hold out, between 0 and 1; 0 trains on all rows, and then"
        " nothing says how well the model predicts other rows (default: 0.2)",
    )
    parser.add_argument(
        "--seed",
        type=argument_types.seed,
        metavar="SEED",
        help="seed of the split and of the folds, 0 to 4294967295 (default: 42)",
    )
    parser.add_argument(
        "--split-like",
        type=Path,
        metavar="DIR",
        help="hold out the same rows as the model in DIR, so that their scores can be compared:"
        " its columns, seed and test size decide (default: all columns that are read decide)",
    )
    parser.add_argument(
        "--samples",
        type=argument_types.count,
        default=5,
        metavar="N",
        help="number of held-out rows to store in model.json, so that `cali-reg predict` works"
        " without data (default: %(default)s)",
    )
    parser.add_argument(
        "--cv",
        type=argument_types.count,
        default=0,
        metavar="K",
        help="also print the scores of K-fold cross-validation on the training rows, K at least 2"
        " (default: no cross-validation)",
    )
