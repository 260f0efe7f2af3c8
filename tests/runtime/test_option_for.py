"""Cells that are no numbers, and the option that reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Run

from cali_reg.runtime.cell_parser import option_for


@pytest.mark.parametrize(
    ("cell", "option"),
    [
        ("$1,200", "`--ignore '$,'` reads it as 1200"),
        (" -$5 ", "`--ignore '$'` reads it as -5"),
        ("12%", "`--ignore '%'` reads it as 12"),
        ("1,5", "`--decimal ,` reads it as 1.5"),
        ("0,123", "`--decimal ,` reads it as 0.123"),
        ("1,234", "`--decimal ,` reads it as 1.234, `--ignore ','` reads it as 1234"),
        ("1,234,567.8", "`--ignore ','` reads it as 1234567.8"),
        ("1.234,56", "`--decimal , --ignore '.'` reads it as 1234.56"),
        ("3,50 €", "`--decimal , --ignore ' €'` reads it as 3.50"),
        ("1\xa0200", "`--ignore '\xa0'` reads it as 1200"),
        ("1'200", """`--ignore "'"` reads it as 1200"""),
        ("?", "`--na '?'` reads it as a missing value"),
        *((cell, "") for cell in ("", "x", "$", "%", "1,2,3", "inf", "0x1", "12a", "1.5.2")),
    ],
)
def test_option_for(cell: str, option: str) -> None:
    """Without a guess: where two options may be meant, both are named."""
    assert option_for(cell) == option


@pytest.mark.parametrize(
    ("cell", "words"), [('"$1,200"', ["--ignore", "$,"]), ("1\xa0200", ["--ignore", r"\xa0"])]
)
def test_messages_show_the_option(cell: str, words: list[str], run: Run, tmp_path: Path) -> None:
    """One such cell among numbers, or all of them: the cell, its row and what reads it."""
    path = tmp_path / "rows.csv"
    train = ["train", "--data", path, "--target", "y", "--features", "x", "--artifacts", tmp_path]
    for every in (41, 1):
        rows = [f"{cell if k % every == 0 else k % 7},{k * k % 11}" for k in range(1, 42)]
        path.write_text("\n".join(["x,y", *rows, ""]), encoding="utf-8")
        code, out, err = run(*train)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert " 41" in err if every > 1 else " 1" in err
        shown = words[1].replace("\xa0", r"\xa0")
        assert f"`--ignore '{shown}'` reads it as 1200" in err
    path.write_text(f"x,y\n3,1\n{cell},2\n" + "5,4\n" * 9 + "6,1\n" * 9, encoding="utf-8")
    assert run(*train, *words)[0] == 0


def test_lines_before_the_header(run: Run, tmp_path: Path) -> None:
    """A title is not a header of one column; the message says what leaves it out."""
    path = tmp_path / "rows.csv"
    path.write_text("My table\nx,y\n1,2\n")
    code, _, err = run("train", "--data", path, "--target", "y", "--artifacts", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "no column 'y' (found: My table); check --target, --separator (what separates" in err
