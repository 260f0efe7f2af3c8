"""Rows as mappings: the same features as from files, and an error for what has no meaning."""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import any_numbers
from towns import LEVELS, TOWN, X, Y, make_model

import cali_reg
from cali_reg.errors import DataError
from cali_reg.jobs.training_data.file_options import recorded_keys
from cali_reg.runtime.model import Feature
from cali_reg.runtime.predictor import Predictor
from cali_reg.runtime.row_validator import Noted, RowLog, RowValidator
from cali_reg.runtime.schema import Column, read_column

ROW = {X: 1.0, TOWN: "Bern", Y: 0.5}
WIDE = [Feature(name, 1.0, None, -math.inf, math.inf) for name in ("x", "t=b", "t=c")]
COLUMNS = [Column("x"), Column("t", ("a", "b", "c"))]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Return a loaded model of numbers and a category."""
    return cali_reg.load_model(make_model(tmp_path_factory.mktemp("model")))


def validate(x: Any, t: Any = "a", **options: str) -> list[float]:
    """Return the features of a row of x and t."""
    return RowValidator(COLUMNS, WIDE, **options).validate({"x": x, "t": t}).features


def test_predictions_are_those_of_the_model(predictor: Predictor) -> None:
    """One mapping gives the model's own prediction of its features."""
    for k, town in enumerate(LEVELS):
        features = [1.0, float(k == 1), float(k == 2), 0.5]
        assert predictor.predict({**ROW, TOWN: town}) == predictor.model.predict(features)


def test_other_columns_do_not_count(predictor: Predictor) -> None:
    """Neither the order of the columns nor others than the model's matter."""
    row = {"other": [1], **dict(reversed(ROW.items()))}
    assert predictor.predict(row) == predictor.predict(ROW)


@given(any_numbers)
def test_numbers_of_all_kinds(value: float) -> None:
    """A number, its text and NumPy's scalar are the same feature, bit for bit."""
    for same in (value, repr(value), np.float64(value), np.array(value)):
        assert math.copysign(1, validate(same)[0]) == math.copysign(1, value)
        assert validate(same) == [value, 0.0, 0.0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(True, 1.0), (False, 0.0), ("true", 1.0), ("FALSE", 0.0), (np.True_, 1.0)],
        *[(3, 3.0), (np.int64(-3), -3.0), (2**53, 2.0**53), (2**60, 2.0**60), (" 1.5\t", 1.5)],
        *[(decimal.Decimal("0.1"), 0.1), (np.float32(0.1), float(np.float32(0.1)))],
    ],
)
def test_what_is_a_number(value: object, expected: float) -> None:
    """True and false, integers and decimals are numbers, as they are in files."""
    assert validate(value)[0] == expected


@pytest.mark.parametrize("value", [None, "", " ", "NA", "nan", math.nan, np.nan, np.float32("nan")])
def test_missing_numbers(value: object) -> None:
    """What files call missing is missing in a mapping, too."""
    with pytest.raises(DataError, match=r"^column 'x' has no value; expected a number"):
        validate(value)


@pytest.mark.parametrize(
    "value",
    [
        *["one", "1_000", "inf", "1e400", math.inf, -np.inf, 10**400, 1j, b"1"],
        *[[1], (), {}, np.array([1.0, 2.0]), object],
    ],
)
def test_what_is_no_number(value: object) -> None:
    """One line names the column and what it holds; nothing else is raised."""
    with pytest.raises(DataError, match=r"^column 'x' holds .*; expected a finite number") as error:
        validate(value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, np.int64(2**62 + 1)])
def test_integers_that_would_be_rounded(value: int) -> None:
    """An integer that float64 cannot hold is an error, as it is in Parquet files."""
    with pytest.raises(DataError, match=rf"^column 'x' holds {value}, which float64 cannot hold"):
        validate(value)


@pytest.mark.parametrize(
    ("levels", "value", "position"),
    [
        (("a", "b", "c"), "c", 2),
        (("1", "2", "3"), 2, 1),
        (("1", "2", "3"), np.int8(3), 2),
        (("false", "true"), True, 1),
        (("false", "true"), np.False_, 0),
    ],
)
def test_categories_of_all_kinds(levels: tuple[str, ...], value: object, position: int) -> None:
    """Text, an integer, true and false are what they become as text in files."""
    column = Column("t", levels)
    features = [Feature(name, 1.0, None, 0.0, 1.0) for name in column.features]
    found = RowValidator([column], features).validate({"t": value}).features
    assert found == [float(k == position) for k in range(1, len(levels))]


@pytest.mark.parametrize("value", [None, "", math.nan])
def test_missing_categories(value: object) -> None:
    """A category that is missing is an error, whatever an unknown one is."""
    for unseen in ("error", "baseline"):
        with pytest.raises(DataError, match=r"^column 't' has no value; expected a category"):
            validate(1, value, unseen=unseen)


def test_unknown_categories() -> None:
    """A category not seen in training is an error, or if asked the baseline."""
    with pytest.raises(
        DataError, match=r"^column 't' holds 'new', a category not seen in training"
    ):
        validate(1, "new")
    taken = RowValidator(COLUMNS, WIDE, unseen="baseline").validate({"x": 1, "t": "new"})
    assert taken == ([1.0, 0.0, 0.0], (), ("column 't' holds 'new'; the baseline is 'a'",))
    assert RowValidator(COLUMNS, WIDE, unseen="baseline").validate({"x": 1, "t": "a"}).unseen == ()
    with pytest.raises(DataError, match=r"^column 't' holds '1\.5'; expected text, a number"):
        validate(1, Decimal("1.5"))


def test_missing_columns(predictor: Predictor) -> None:
    """A column that the mapping lacks is named, with those that it has."""
    with pytest.raises(DataError, match=f"column '{TOWN}' is missing \\(found: x, 7\\)"):
        predictor.predict({X: 1, 7: 0})  # type: ignore[dict-item]


def test_values_outside_the_training_ranges(tmp_path: Path) -> None:
    """They are noted by name, each of them, or refused; the prediction is the same."""
    folder = make_model(tmp_path)
    model = cali_reg.load_model(folder)
    found = model.predict_checked({**ROW, X: 99, Y: -99})
    assert [message.split(" holds ")[0] for message in found.outside] == [
        f"column {X!r}",
        f"column {Y!r}",
    ]
    assert found.values == (model.predict({**ROW, X: 99, Y: -99}),)
    assert model.predict_checked(ROW).outside == ()
    strict = cali_reg.load_model(folder, outside="error")
    with pytest.raises(DataError, match=r"^column 'x' holds 99\.0; the training rows have -2.0 to"):
        strict.predict({**ROW, X: 99})


def test_intervals_and_codes(tmp_path: Path) -> None:
    """A loaded model gives bounds, or the predictions of the codes, if asked."""
    folder = make_model(tmp_path)
    low, high = cali_reg.load_model(folder, interval=0.9).predict_checked(ROW).values[1:]
    model = cali_reg.load_model(folder)
    assert low < model.predict(ROW) < high
    assert model.model.interval is not None
    assert high - model.predict(ROW) == pytest.approx(
        model.model.interval.half_width([1.0, 0.0, 0.0, 0.5], 0.9)
    )
    codes = cali_reg.load_model(str(folder), precision="uint8")
    assert codes.predict(ROW) == codes.used.predict([1.0, 0.0, 0.0, 0.5])
    assert codes.predict(ROW) != model.predict(ROW)


def test_log_counts_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Skipped rows are listed and counted; the first row of each note is told at the end."""
    log = RowLog("skip")
    log.accept(3)
    log.reject("row 4: bad")
    log.accept(2, outside=Noted(1, "row 5: large"))
    log.accept(1, outside=Noted(1, "row 7: small"), unseen=Noted(1, "row 7: new"))
    log.print_summary()
    assert log.n_rows == 7
    assert capsys.readouterr().err.splitlines() == [
        "cali-reg predict: row 4: bad",
        (
            "cali-reg predict: 2 of 6 predicted rows are outside the training ranges; the first is"
            " row 5: large"
        ),
        (
            "cali-reg predict: 1 of 6 predicted rows have categories not seen in training, taken"
            " as the baseline; the first is row 7: new"
        ),
        "cali-reg predict: skipped 1 of 7 rows",
    ]
    with pytest.raises(DataError, match="row 4: bad"):
        RowLog().reject("row 4: bad")


@given(st.integers(0, 2), st.sampled_from(["a", "b", "c"]))
def test_one_hot(x: int, level: str) -> None:
    """Each level but the first has a feature, which is 1 for it alone."""
    assert validate(x, level) == [float(x), float(level == "b"), float(level == "c")]


def test_an_integer_of_more_digits_than_python_writes() -> None:
    """It is described, in a column of numbers and in one of categories."""
    for row in ({"x": 10**5000, "t": "a"}, {"x": 1, "t": 10**5000}):
        with pytest.raises(DataError, match="holds 'an integer of 16610 bits'"):
            RowValidator(COLUMNS, WIDE).validate(row)


@pytest.mark.parametrize(
    "content",
    [
        {"name": 1, "levels": None},
        {"name": "a", "levels": "xy"},
        {"name": "a", "levels": ["x", 1]},
        {"name": "a", "levels": ["x"], "as_text": 1},
        {"name": "a", "levels": ["x"], "as_text": False},
        {"name": "a", "levels": ["x"], "not_missing": [1]},
        {"name": "a", "levels": ["x"], "more": 1},
    ],
)
def test_columns_of_other_content(content: dict[str, object]) -> None:
    """Only what is written is read."""
    with pytest.raises(TypeError):
        read_column(content)


@pytest.mark.parametrize("columns", [[{"name": "x"}], [{"categorical": True}], [1], ["x"]])
def test_forged_columns_of_a_split(columns: list[object]) -> None:
    """They count as none."""
    assert recorded_keys({"split": {"columns": columns}}) == ()
