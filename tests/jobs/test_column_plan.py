"""Training with nothing but a target: the column plan, what it leaves out, and why."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from commands import Run
from layouts import pieces, refused, shuffled, to_csv, write

N = 300


def table(n: int = N, seed: int = 0) -> pa.Table:
    """Return a table as its owner may have it."""
    rng = np.random.default_rng(seed)
    net = np.round(rng.uniform(1, 99, n), 2)
    ship = np.round(rng.uniform(1, 9, n), 2)
    words = [f"word{k} of a remark that is long enough" for k in range(n)]
    return pa.table(
        {
            "rownames": np.arange(1, n + 1),
            "customer_id": rng.permutation(10 * n)[:n],
            "town": np.array(["Bern", "Chur", "Aarau"])[rng.integers(0, 3, n)],
            "net": net,
            "ship": ship,
            "total": np.round(net + ship, 2),
            "rest": np.round(ship - net, 2),
            "again": net,
            "twice": 2 * net + 1,
            "same": np.full(n, 7),
            "unit": ["kg"] * n,
            "empty": pa.nulls(n, pa.float64()),
            "remark": words,
            "zone": [f"z{k}" for k in rng.integers(0, 80, n)],
            "new": rng.integers(0, 2, n).astype(bool),
            "stars": rng.integers(1, 6, n),
            "price": net * 2 + ship + rng.normal(size=n),
        }
    )


REASONS = {
    "rownames": "row numbers",
    "customer_id": f"identifier: {N} different values in {N} rows",
    "total": "total = net + ship",
    "rest": "rest = ship - net",
    "again": "equals net",
    "twice": "twice = 2 × net + 1",
    "same": "constant",
    "unit": "constant",
    "empty": "empty",
    "remark": f"identifier: all {N} values are different",
    "zone": "78 categories, more than 50",
}
USES = {"town": "category", "net": "number", "ship": "number", "new": "number", "stars": "number"}


def train(run: Run, out: Path, *flags: object) -> tuple[dict[str, Any], str]:
    """Train on files; return model.json and what was printed."""
    code, printed, err = run("train", "--target", "price", "--artifacts", out, *flags)
    notes = [line for line in err.splitlines() if "note: held-out rows with a category" not in line]
    assert (code, notes) == (0, [])
    return json.loads((out / "model.json").read_bytes()), printed


def choices(model: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return the use of each column and the reason, by name."""
    return {c["name"]: (c["use"], c["reason"]) for c in model["plan"]["columns"]}


def expected() -> dict[str, tuple[str, str | None]]:
    """Return the right choices for `table`."""
    found: dict[str, tuple[str, str | None]] = {}
    for name in table().column_names:
        found[name] = ("left out", REASONS[name]) if name in REASONS else (USES.get(name, ""), None)
    return {**found, "price": ("target", None)}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_and_reasons(run: Run, tmp_path: Path, suffix: str) -> None:
    """Each column has the use that a careful colleague gives it; the table says so."""
    model, printed = train(run, tmp_path / "a", "--data", write(table(), tmp_path / f"a.{suffix}"))
    assert choices(model) == expected()
    for name, reason in REASONS.items():
        assert any(
            line.split() == [name, "left", "out", *reason.split()] for line in printed.splitlines()
        )
    assert "\ntown         category  3 categories\n" in printed


def test_the_plan_is_a_property_of_the_rows(run: Run, tmp_path: Path) -> None:
    """Neither the order of rows nor files nor formats nor batches change a byte."""
    one = write(table(), tmp_path / "one.csv")
    train(run, tmp_path / "a", "--data", one)
    model = (tmp_path / "a/model.json").read_bytes()
    parts = [
        write(piece, tmp_path / "parts" / f"{k}.{suffix}")
        for (k, piece), suffix in zip(
            enumerate(pieces(shuffled(table()), 3)), ("csv", "parquet", "arrow"), strict=True
        )
    ]
    for flags in ([*parts], [*reversed(parts), "--batch-size", 7]):
        train(run, tmp_path / "b", "--data", *flags)
        assert (tmp_path / "b/model.json").read_bytes() == model


def test_the_bytes_are_those_of_strict_training(run: Run, tmp_path: Path) -> None:
    """What the plan keeps, named by hand under --strict, gives the same files but for the plan."""
    path = write(table(), tmp_path / "a.csv")
    found, _ = train(run, tmp_path / "a", "--data", path)
    kept = ",".join(name for name in table().column_names if name in USES)
    flags = ("--strict", "--features", kept, "--categorical", "town")
    strict, _ = train(run, tmp_path / "b", "--data", path, *flags)
    assert "plan" not in strict
    del found["plan"], found["fingerprint"], strict["fingerprint"]
    assert found == strict
    for name in ("moments.json", "linear_model.joblib"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_options_override_parts(run: Run, tmp_path: Path) -> None:
    """--exclude leaves out, --categorical and --max-levels keep; all of it is recorded."""
    path = write(table(), tmp_path / "a.csv")
    flags = ("--exclude", "ship,stars", "--categorical", "new", "--max-levels", "80")
    found = choices(train(run, tmp_path / "a", "--data", path, *flags)[0])
    assert found["ship"] == found["stars"] == ("left out", "excluded")
    assert found["zone"] == found["new"] == ("category", None)
    assert found["total"] == ("number", None)  # without ship it depends on nothing
    assert run("verify", "--artifacts", tmp_path / "a", "--data", path)[1].count(" same") == 3


def test_named_features_need_no_plan(run: Run, tmp_path: Path) -> None:
    """What is named is used, text among it; nothing is left out, and no plan is stored."""
    path = write(table(), tmp_path / "a.csv")
    model, printed = train(run, tmp_path / "a", "--data", path, "--features", "rownames,zone,net")
    assert [column["name"] for column in model["columns"]] == ["rownames", "zone", "net"]
    assert len(model["columns"][1]["levels"]) > 50
    assert "plan" not in model
    assert "left out" not in printed


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_verify_and_predict_obey(run: Run, tmp_path: Path, suffix: str) -> None:
    """Verify makes the plan again, and predict needs no column that is left out."""
    path, folder = write(table(), tmp_path / f"a.{suffix}"), tmp_path / "a"
    train(run, folder, "--data", path)
    assert run("quantize", "--artifacts", folder)[0] == 0
    assert run("verify", "--artifacts", folder, "--data", path)[0] == 0
    few = write(table().select([*USES]), tmp_path / f"few.{suffix}")
    predicted = [run("predict", rows, "--artifacts", folder) for rows in (path, few)]
    assert predicted[0] == predicted[1]
    assert predicted[0][0] == 0
    text = (folder / "model.json").read_text("utf-8")
    from cali_reg.runtime.model import LinearModel

    forged = json.loads(text)
    forged["plan"]["columns"][0]["reason"] = "no reason"
    model = LinearModel.from_json(text.encode())._replace(plan=forged["plan"])
    (folder / "model.json").write_bytes(model.to_json())
    code, out, _ = run("verify", "--artifacts", folder, "--data", path)
    assert code == 1
    assert 'reason is "no reason", rebuilt "row numbers"' in out


def test_an_updated_model_keeps_its_plan(run: Run, tmp_path: Path) -> None:
    """The plan is that of the first training; verify takes it as it is."""
    paths = [write(table(seed=k), tmp_path / f"{k}.csv") for k in (0, 1)]
    model, _ = train(run, tmp_path / "a", "--data", paths[0])
    assert run("update", "--artifacts", tmp_path / "a", "--add", paths[1])[0] == 0
    assert json.loads((tmp_path / "a/model.json").read_bytes())["plan"] == model["plan"]
    out = run("verify", "--artifacts", tmp_path / "a", "--data", *paths)[1]
    assert out.count(" same") == 3


def test_missing_values_of_unused_columns_do_no_harm(run: Run, tmp_path: Path) -> None:
    """Only columns that are used are asked for values."""
    rows = table().to_pylist()
    for k in (3, 50):
        rows[k] |= {"total": None, "remark": None, "same": None, "rownames": None}
    path = tmp_path / "a.csv"
    path.write_text(to_csv(table().column_names, rows), encoding="utf-8")
    model, _ = train(run, tmp_path / "a", "--data", path)
    missing = {c["name"]: c["missing"] for c in model["plan"]["columns"]}
    assert missing["total"] == missing["remark"] == 2
    assert choices(model)["total"] == ("left out", "total = net + ship")


def test_text_after_the_first_look(run: Run, tmp_path: Path) -> None:
    """Text far behind a megabyte of numbers is found, whatever the order of the rows."""
    lines = [f"{k % 97},{k % 13},{k * k % 101}" for k in range(120_000)]
    lines[-1] = "word,1,5"
    messages = []
    for rows in (lines, lines[::-1]):
        path = tmp_path / "a.csv"
        path.write_text("\n".join(["a,b,price", *rows, ""]))
        messages.append(refused(run, tmp_path, "--data", path, "--target", "price"))
    assert [m.split(": column")[1] for m in messages] == [
        (
            " 'a' holds 'word'; expected a finite number, as in 119999 of 120000 rows: fix or drop"
            " the row, or leave the column out with --exclude a"
        )
    ] * 2
    mostly = [f"t{k % 40}" + line[line.index(",") :] for k, line in enumerate(lines)]
    mostly[:40_000] = [f"{k % 9},1,{k % 7}" for k in range(40_000)]  # numbers in the first look
    path.write_text("\n".join(["a,b,price", *mostly, ""]))
    model, _ = train(run, tmp_path / "a", "--data", path)
    assert choices(model)["a"] == ("category", None)


TEXTS: dict[str, tuple[list[str], str]] = {
    "mixture": (["1", "2", "x", "4"], "row 3: column 'a' holds 'x'; expected a finite number, as"),
    "amount": (["$1,200", "$5", "7"], "row 1: column 'a' holds '$1,200'; expected a finite num"),
    "percent": (["12%", "5%", "7%"], "row 1: column 'a' holds '12%'; expected a finite number"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_mixtures_are_refused_with_the_cell(run: Run, tmp_path: Path, case: str) -> None:
    """Neither a number nor a category: the user decides."""
    cells, message = TEXTS[case]
    rows = [f'"{cells[k % len(cells)]}",{k % 7},{k * k % 11}' for k in range(40)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["a,b,price", *rows, ""]))
    assert message in refused(run, tmp_path, "--data", path, "--target", "price")
    train(run, tmp_path / "a", "--data", path, "--exclude", "a")


def test_one_number_among_names_is_a_name(run: Run, tmp_path: Path) -> None:
    """A column that is mostly text is text."""
    rows = [f"{['Bern', 'Chur', '3000'][k % 3]},{k % 7},{k * k % 11}" for k in range(40)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["a,b,price", *rows, ""]))
    model, _ = train(run, tmp_path / "a", "--data", path)
    assert model["columns"][0]["levels"] == ["3000", "Bern", "Chur"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_target_of_text(run: Run, tmp_path: Path, suffix: str) -> None:
    """The message says that a target is a number; it does not suggest to encode it."""
    path = write(table(), tmp_path / f"a.{suffix}")
    message = refused(run, tmp_path, "--data", path, "--target", "town")
    first = table()["town"][0].as_py()
    assert f"{path}: row 1: the target 'town' holds '{first}'; expected a number in" in message
    assert "categorical" not in message


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--exclude", "nope"), "column 'nope' is missing (found: rownames"),
        (("--exclude", "price"), "column 'price' is the target; it cannot be left out"),
        (("--exclude", "town", "--categorical", "town"), "'town' is both to use and in --excl"),
        (("--exclude", "town", "--strict"), "--exclude does not go with --strict"),
        (("--max-levels", "9", "--features", "town"), "--max-levels does not go with --feat"),
        (("--categorical", "nope"), "column 'nope' is missing"),
        (("--features", "town,town"), "column 'town' is named twice"),
    ],
)
def test_bad_options(run: Run, tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    """One line says which name is wrong."""
    path = write(table(), tmp_path / "a.csv")
    assert message in refused(run, tmp_path, "--data", path, "--target", "price", *flags)


def test_the_plan_alone(run: Run, tmp_path: Path) -> None:
    """The command prints the plan that training stores, and writes nothing."""
    path = write(table(), tmp_path / "a.csv")
    model, printed = train(run, tmp_path / "a", "--data", path, "--exclude", "net")
    command = ("plan", path, "--target", "price", "--exclude", "net")
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    assert out in printed
    assert json.loads(run(*command, "--json")[1]) == model["plan"]
    for flags in (("--target", "none"), ("--target", "price", "--artifacts", tmp_path / "b")):
        code, out, err = run("plan", path, *flags)
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_the_plan_has_reading_options(run: Run, tmp_path: Path) -> None:
    """The plan is that of the rows as they are read."""
    path = save_rows(tmp_path / "a.csv", "a|b|price", [f"{k}|${k * k % 7},1|{k}" for k in range(9)])
    flags = ("--separator", "|", "--decimal", ",", "--ignore", "$", "--target", "price", "--json")
    code, out, _ = run("plan", path, *flags)
    assert code == 0
    assert [c["maximum"] for c in json.loads(out)["columns"]] == [8.0, 4.1, None]


def test_nothing_is_left(run: Run, tmp_path: Path) -> None:
    """A table without a feature is refused with the reasons."""
    some = table().select(["rownames", "unit", "price"])
    message = refused(run, tmp_path, "--data", write(some, tmp_path / "a.csv"), "--target", "price")
    assert "no column is left to predict from: rownames (row numbers), unit (constant)" in message


def test_nested_columns_are_left_out(run: Run, tmp_path: Path) -> None:
    """What no model can use is left out with what it holds."""
    times = [timedelta(seconds=k) for k in range(N)]
    odd = table().append_column("list", pa.array([[1]] * N)).append_column("took", [times])
    model, _ = train(run, tmp_path / "a", "--data", write(odd, tmp_path / "a.parquet"))
    assert choices(model)["list"] == ("left out", "holds list<element: int64> values")
    assert choices(model)["took"] == ("left out", "holds duration[us] values")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_dates_are_left_out(run: Run, tmp_path: Path, suffix: str) -> None:
    """Dates are neither identifiers nor categories, however few they are and however written."""
    days = [date(2024, 1, 1 + k % 28) for k in range(N)]
    odd = table().append_column("day", [days])
    odd = odd.append_column("text", [[f"{d:%m/%d/%Y}" for d in days]])
    odd = odd.append_column("time", [[f"{d} 12:{k % 60:02}:01" for k, d in enumerate(days)]])
    model, _ = train(run, tmp_path / "a", "--data", write(odd, tmp_path / f"a.{suffix}"))
    dates = "dates: derive a number, such as days since a date"
    assert [choices(model)[name] for name in ("day", "text", "time")] == [("left out", dates)] * 3


@pytest.mark.parametrize("restarts", [True, False])
def test_row_numbers_of_two_files(run: Run, tmp_path: Path, restarts: bool) -> None:
    """Held-out rows in their own files may count from the start again."""
    numbers = np.arange(1, 41) + N * (not restarts)
    rest = table(40, seed=1).set_column(0, "rownames", [numbers])
    paths = write(table(), tmp_path / "a.csv"), write(rest, tmp_path / "b.csv")
    model, _ = train(run, tmp_path / "a", "--data", paths[0], "--test-data", paths[1])
    assert choices(model)["rownames"] == ("left out", "row numbers")


def test_workers_change_no_byte(run: Run, tmp_path: Path) -> None:
    """Processes survey their files, and the facts add up."""
    parts = [write(p, tmp_path / "p" / f"{k}.csv") for k, p in enumerate(pieces(table(), 4))]
    train(run, tmp_path / "a", "--data", *parts)
    train(run, tmp_path / "b", "--data", *parts, "--dask", "local:2")
    assert (tmp_path / "a/model.json").read_bytes() == (tmp_path / "b/model.json").read_bytes()


def codes(n_levels: int, n: int = N) -> list[str]:
    """Return rows with numbers of five digits, some of them with a zero first."""
    zips = [f"{k * 7919 % 90_000 + 3000:05}" for k in range(n_levels)]
    return [f"{zips[k * 31 % n_levels]},{k * 37 % 61},{k * k % 101}" for k in range(n)]


def save_rows(path: Path, header: str, rows: list[str]) -> Path:
    """Write lines of CSV."""
    path.write_text("\n".join([header, *rows, ""]))
    return path


@pytest.mark.parametrize(
    ("n_levels", "choice"),
    [
        (20, ("category", None)),
        (90, ("left out", "codes with leading zeros: 90 different values")),
        (200, ("left out", "codes with leading zeros: 200 different values")),
    ],
)
def test_numbers_with_leading_zeros_are_codes(
    run: Run, tmp_path: Path, n_levels: int, choice: tuple[str, str | None]
) -> None:
    """A postal code is text, whatever its column is called; --strict takes it for a number."""
    path = save_rows(tmp_path / "a.csv", "place,a,price", codes(n_levels))
    model, _ = train(run, tmp_path / "a", "--data", path)
    assert choices(model)["place"] == choice
    assert choices(model)["a"] == ("number", None)
    assert run("verify", "--artifacts", tmp_path / "a", "--data", path)[1].count(" same") == 3
    model, _ = train(run, tmp_path / "a", "--data", path, "--strict")
    assert [column["levels"] for column in model["columns"]] == [None, None]


CODES = {  # a cell, whether it makes a column of numbers text, and options
    "plain": ("007", True, ()),
    "zeros": ("00", True, ()),
    "blanks": ('" 007\t"', True, ()),
    "quotes": ('"007"', True, ()),
    "sign": ("-07", True, ()),
    "fraction": ("0.07", False, ()),
    "exponent": ("1e-07", False, ()),
    "zero": ("0", False, ()),
    "missing": ("007", False, ("--na", "007", "--missing", "drop")),
    "ignored": ("$007", True, ("--ignore", "$")),
    "ignored inside": ("0'07", True, ("--ignore", "'")),
}


@pytest.mark.parametrize("case", CODES)
@pytest.mark.parametrize("place", [0, -1])
def test_one_code_decides(run: Run, tmp_path: Path, case: str, place: int) -> None:
    """One code, in the first row or far behind a megabyte of numbers, makes a column text."""
    cell, is_text, flags = CODES[case]
    rows = [f"{k % 13},{k % 97 + 10},{k * k % 101}" for k in range(100_000)]
    rows[place] = f"1,{cell},5"
    path = save_rows(tmp_path / "a.csv", "b,a,price", rows)
    model, _ = train(run, tmp_path / "a", "--data", path, *flags)
    assert choices(model)["a"][0] == ("left out" if is_text else "number")
    assert choices(model)["b"] == ("number", None)


def test_codes_in_what_only_python_parses(run: Run, tmp_path: Path) -> None:
    """Quotes inside of cells change nothing, and neither does who reads the rows."""
    rows = [f'{line},"a""b"' if k % 2 else f'{line},a"b' for k, line in enumerate(codes(20))]
    path = save_rows(tmp_path / "a.csv", "place,a,price,remark", rows)
    model, _ = train(run, tmp_path / "a", "--data", path)
    assert choices(model)["place"] == ("category", None)


def test_codes_of_other_columns(run: Run, tmp_path: Path) -> None:
    """The target, held-out rows, named columns and workers: codes are found in those that count."""
    rows = [f"{line},0{k % 9 + 1}" for k, line in enumerate(codes(20))]
    zeros = save_rows(tmp_path / "a.csv", "place,a,price,b", [r for r in rows if r[0] == "0"])
    others = save_rows(tmp_path / "b.csv", "place,a,price,b", [r for r in rows if r[0] != "0"])
    found = [
        train(run, tmp_path / "a", "--data", first, "--test-data", second, *flags)[0]
        for first, second, flags in ((zeros, others, ()), (others, zeros, ("--dask", "local:2")))
    ]
    for model in found:
        assert choices(model)["place"][0] == choices(model)["b"][0] == "category"
    model, _ = train(run, tmp_path / "a", "--data", others, "--exclude", "b")
    assert choices(model)["place"] == ("number", None)
    code, _, _ = run(
        *("train", "--data", zeros, others, "--target", "b", "--features", "a,place"),
        *("--artifacts", tmp_path / "b"),
    )
    columns = json.loads((tmp_path / "b/model.json").read_bytes())["columns"]
    assert (code, [column["levels"] is None for column in columns]) == (0, [True, False])


def marked(cell: str = "?") -> list[str]:
    """Return rows of numbers with a mark in a few of them, and a town."""
    towns = ["Bern", "Chur", "Aarau"]
    rows = [f"{k % 13},{k % 97 + 10},{towns[k % 3]},{k * k % 101}" for k in range(N)]
    for k in (5, 77, 240):
        rows[k] = f"{k % 13},{cell},Bern,{k}"
    return rows


def test_question_marks_among_numbers_are_missing(run: Run, tmp_path: Path) -> None:
    """Marks are found, said, recorded, and read so by all commands: as with --na '?'."""
    path = save_rows(tmp_path / "a.csv", "b,a,town,price", marked())
    command = ("train", "--data", path, "--target", "price", "--missing", "drop")
    code, _, err = run(*command, "--artifacts", tmp_path / "a")
    note = "'?' is taken for a missing value, as the only text among numbers: a (3 cells)"
    assert (code, note in err) == (0, True)
    model = json.loads((tmp_path / "a/model.json").read_bytes())
    assert model["reading"] == {"missing": ["?"]}
    assert {c["name"]: c["missing"] for c in model["plan"]["columns"]}["a"] == 3
    assert run(*command, "--na", "?", "--artifacts", tmp_path / "b")[0] == 0
    for name in ("model.json", "moments.json", "linear_model.joblib"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert run("verify", "--artifacts", tmp_path / "a", "--data", path)[1].count(" same") == 3
    code, out, _ = run("predict", path, "--artifacts", tmp_path / "a", "--on-error", "skip")
    assert (code, out.count("\n")) == (0, N - 3)
    add = ("update", "--artifacts", tmp_path / "a", "--add", path, "--missing", "drop")
    assert run(*add)[0] == 0
    message = refused(run, tmp_path, "--data", path, "--target", "price")
    assert "leaves out 3 of 300 rows" in message
    assert note in message
    code, _, err = run("plan", path, "--target", "price")
    assert (code, note in err) == (0, True)


@pytest.mark.parametrize("place", ["a", "price"])
def test_marks_behind_the_first_look(run: Run, tmp_path: Path, place: str) -> None:
    """The order of the rows changes nothing, for features and for the target."""
    rows = [f"{k % 97},{k % 13},{k * k % 101}" for k in range(100_000)]
    rows[-1] = "?,1,5" if place == "a" else "3,1,?"
    models = []
    for lines in (rows, rows[::-1]):
        path = save_rows(tmp_path / "a.csv", "a,b,price", lines)
        flags = ("--target", "price", "--missing", "drop", "--artifacts", tmp_path / "a")
        assert run("train", "--data", path, *flags)[0] == 0
        models.append((tmp_path / "a/model.json").read_bytes())
    assert models[0] == models[1]
    assert json.loads(models[0])["source"]["dropped_rows"] == 1


@pytest.mark.parametrize("flags", [(), ("--categorical", "town")])
def test_marks_that_may_be_more_are_refused(
    run: Run, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Where other text is a category, too, a question mark may be one; the user decides."""
    rows = [row.replace("Chur", "?") for row in marked()]
    path = save_rows(tmp_path / "a.csv", "b,a,town,price", rows)
    message = refused(run, tmp_path, "--data", path, "--target", "price", *flags)
    assert "row 6: column 'a' holds '?'; expected a finite number, as in 297 of 300" in message
    assert "--na '?'" in message
    rows = marked()
    rows[9] = "1,x,Bern,5"
    path = save_rows(tmp_path / "a.csv", "b,a,town,price", rows)
    message = refused(run, tmp_path, "--data", path, "--target", "price", *flags)
    assert "row 6: column 'a' holds '?'" in message
