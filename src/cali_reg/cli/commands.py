"""The commands: each a small function of its options. Heavy imports wait until they are needed."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

from cali_reg.errors import GateError, UsageError
from cali_reg.runtime import artifacts, predictor

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cali_reg.jobs.fit import Trained
    from cali_reg.least_squares.moments import Moments
    from cali_reg.least_squares.moments_file import TrainTestMoments
    from cali_reg.quantization.change_bound import Rows
    from cali_reg.runtime.model import LinearModel

_MOST_FOLDS = 100  # of files: the sums of all folds are kept at once


def run_train(options: argparse.Namespace) -> None:
    """Fit the model of the embedded data, or of files; pass the gate, write, print."""
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


def run_update(options: argparse.Namespace) -> None:
    """Move rows in and out of the training rows, and write the new model."""
    from cali_reg.jobs.update import update
    from cali_reg.report import tables

    updated = update(
        options.artifacts,
        add=options.add or (),
        remove=options.remove or (),
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
    )
    artifacts.write(options.artifacts, updated.files)
    print(tables.trained(updated))
    print(tables.files(options.artifacts, updated.files), end="")


def run_quantize(options: argparse.Namespace) -> None:
    """Quantize the model, hold the contract, write, print; or print the curve."""
    from cali_reg.jobs.gates import check_contract
    from cali_reg.least_squares import moments_file
    from cali_reg.quantization import quantizer
    from cali_reg.report import tables

    model = artifacts.load_model(options.artifacts)
    moments = moments_file.load_for(model, options.artifacts)
    rows = _training_rows(options.data, model, moments)
    if options.curve:
        results = [quantizer.quantize(model, moments, bits, rows=rows) for bits in quantizer.WIDTHS]
        print(tables.curve(results), end="")
        return
    if options.bits == 0:
        if options.max_change is None:
            raise UsageError("--bits auto needs --max-change, the change that is allowed")
        result = quantizer.narrowest(model, moments, options.max_change, rows=rows)
    else:
        result = quantizer.quantize(model, moments, options.bits, rows=rows)
    check_contract(
        result.model.contract, max_r2_loss=options.max_r2_loss, max_change=options.max_change
    )
    artifacts.write(options.artifacts, result.files)
    print(tables.quantized(result, model.target))
    print(tables.files(options.artifacts), end="")


def _training_rows(
    paths: Sequence[str] | None, model: LinearModel, moments: TrainTestMoments
) -> Rows | None:
    """Return the training rows, if they are embedded or named: those that the moments sum up."""
    if paths:
        from cali_reg.jobs.train import TrainingRows, summarize_for

        if summarize_for(model, paths).train != moments.train:
            n_rows = moments.train.n_samples
            raise UsageError(f"{paths[0]}: its rows are not the {n_rows} training rows")
        return TrainingRows(model, paths)
    from cali_reg.data import california_housing
    from cali_reg.jobs.fit import moments_of

    if split := california_housing.recorded_split(model.source):
        rows, _ = split
        if moments_of(rows) == moments.train:
            return [rows.X]
    return None


def run_verify(options: argparse.Namespace) -> None:
    """Make the artifacts again, print a verdict on each, and fail if one differs."""
    from cali_reg.jobs.verify import verify
    from cali_reg.report import tables

    verdicts = verify(
        options.artifacts,
        data=options.data or (),
        test_data=options.test_data or (),
        trust_moments=options.trust_moments,
    )
    print(tables.verdicts(verdicts), end="", flush=True)
    differing = [verdict.name for verdict in verdicts if verdict.difference]
    if differing:
        raise GateError(
            f"{options.artifacts}: {len(differing)} of {len(verdicts)} files are not what their"
            f" making gives: {', '.join(differing)}; do not use them (or, if `cali-reg update`"
            " made them, name the training rows with --data)"
        )
    unchecked = " but for what was not checked" * any(verdict.unchecked for verdict in verdicts)
    print(
        f"✔ {options.artifacts}: all {len(verdicts)} files are what their making gives{unchecked}"
    )


def run_predict(options: argparse.Namespace) -> None:
    """Predict the sample rows, or those of files."""
    if not options.paths:
        _predict_samples(options)
        return
    request = predictor.Request(
        paths=options.paths,
        out=options.out,
        precision=options.precision,
        interval=options.interval,
        keep=options.keep or (),
        unseen=options.unseen,
        outside=options.outside,
        on_error=options.on_error,
    )
    model = predictor.Predictor(options.artifacts, request)
    if request.is_small or not find_spec("pyarrow"):
        predictor.predict_rows(request, model)
    else:
        from cali_reg.jobs.predict import predict_files

        predict_files(request, model)


def _predict_samples(options: argparse.Namespace) -> None:
    text = predictor.describe_samples(options.artifacts)
    if options.out is None:
        print(text, end="")
    else:
        artifacts.write(options.out.parent, {options.out.name: text.encode()})


def run_export(options: argparse.Namespace) -> None:
    """Write the model in the form of another program."""
    from cali_reg.export.formats import export

    if options.format == "onnx" and options.out is None:
        raise UsageError("an ONNX file is binary; name a file with --out, such as model.onnx")
    data = export(options.artifacts, options.format, options.precision)
    if options.out is not None:
        artifacts.write(options.out.parent, {options.out.name: data})
        return
    if hasattr(sys.stdout, "reconfigure"):  # the same bytes on every system, not its own text
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print(data.decode(), end="")
