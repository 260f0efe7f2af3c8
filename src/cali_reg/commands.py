"""The commands: each a small function of its options. Heavy imports wait until they are needed."""

from __future__ import annotations

import argparse
import sys

from cali_reg import artifacts, predict
from cali_reg.errors import GateError, UsageError

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from cali_reg.dataset import Table
    from cali_reg.model import LinearModel
    from cali_reg.split_moments import SplitMoments


def run_train(options: argparse.Namespace) -> None:
    """Fit the model of the embedded data, pass the gate, write, print."""
    from cali_reg import dataset, display, train

    table = dataset.california_housing()
    rows, held_out = dataset.split(table, options.test_size, options.seed)
    trained = train.train(
        rows,
        held_out,
        source=dataset.source_of(options.test_size, options.seed),
        n_samples=options.samples,
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
    )
    folds = train.cross_validate(rows, options.cv, options.seed) if options.cv else []
    artifacts.write(options.artifacts, trained.files)
    print(display.trained(trained))
    if folds:
        print(display.cross_validated(folds))
    print(display.files(options.artifacts, trained.files), end="")


def run_update(options: argparse.Namespace) -> None:
    """Move rows in and out of the training rows, and write the new model."""
    from cali_reg import display
    from cali_reg.update import update

    updated = update(
        options.artifacts,
        add=options.add,
        remove=options.remove,
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
    )
    artifacts.write(options.artifacts, updated.files)
    print(display.trained(updated))
    print(display.files(options.artifacts, updated.files), end="")


def run_quantize(options: argparse.Namespace) -> None:
    """Quantize the model, hold the contract, write, print; or print the curve."""
    from cali_reg import display, quantize, split_moments

    model = artifacts.load_model(options.artifacts)
    moments = split_moments.load_for(model, options.artifacts)
    rows = _training_rows(options.data, model, moments)
    if options.curve:
        results = [quantize.quantize(model, moments, bits, rows=rows) for bits in quantize.WIDTHS]
        print(display.curve(results), end="")
        return
    if options.bits == 0:
        if options.max_change is None:
            raise UsageError("--bits auto needs --max-change, the change that is allowed")
        result = quantize.narrowest(model, moments, options.max_change, rows=rows)
    else:
        result = quantize.quantize(model, moments, options.bits, rows=rows)
    quantize.check_contract(
        result.model.contract, max_r2_loss=options.max_r2_loss, max_change=options.max_change
    )
    artifacts.write(options.artifacts, result.files)
    print(display.quantized(result, model.target))
    print(display.files(options.artifacts), end="")


def _training_rows(path: str | None, model: LinearModel, moments: SplitMoments) -> Table | None:
    """Return the training rows, if they are embedded or named: those that the moments sum up."""
    from cali_reg import dataset
    from cali_reg.train import moments_of
    from cali_reg.update import read_table

    if path is not None:
        rows = read_table(path, model)
    elif split := dataset.recorded_split(model.source):
        rows, _ = split
    else:
        return None
    if moments_of(rows) == moments.train:
        return rows
    if path is not None:
        raise UsageError(f"{path}: its rows are not the {moments.train.n_samples} training rows")
    return None


def run_verify(options: argparse.Namespace) -> None:
    """Make the artifacts again, print a verdict on each, and fail if one differs."""
    from cali_reg import display
    from cali_reg.verify import verify

    verdicts = verify(options.artifacts, data=options.data, trust_moments=options.trust_moments)
    print(display.verdicts(verdicts), end="", flush=True)
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
    """Predict the sample rows, or those of a file."""
    if options.file is None:
        text = predict.describe_samples(options.artifacts)
    else:
        text = predict.predict_file(options.artifacts, options.file, options.precision)
    if options.out is None:
        print(text, end="")
    else:
        artifacts.write(options.out.parent, {options.out.name: text.encode()})


def run_export(options: argparse.Namespace) -> None:
    """Write the model in the form of another program."""
    from cali_reg.export import export

    if options.format == "onnx" and options.out is None:
        raise UsageError("an ONNX file is binary; name a file with --out, such as model.onnx")
    data = export(options.artifacts, options.format, options.precision)
    if options.out is not None:
        artifacts.write(options.out.parent, {options.out.name: data})
        return
    if hasattr(sys.stdout, "reconfigure"):  # the same bytes on every system, not its own text
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print(data.decode(), end="")
