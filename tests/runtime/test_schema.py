"""Names and categories in messages: short lists, quotes, and the nearest name."""

import pytest

from cali_reg.runtime.schema import Column, format_names, format_quoted, missing_column

LETTERS = [chr(ord("a") + k) for k in range(26)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "nothing"),
        (["a"], "a"),
        (LETTERS[:12], ", ".join(LETTERS[:12])),
        (LETTERS[:13], ", ".join(LETTERS[:12]) + " … and 1 more"),
        (["a\nb", "x" * 50], "'a\\nb', " + "x" * 40),
    ],
)
def test_lists_of_names(names: list[str], expected: str) -> None:
    """Twelve names, each of 40 characters, and how many more there are."""
    assert format_names(names) == expected


def test_lists_of_categories() -> None:
    """A category may hold commas and blanks: it has quotes."""
    assert format_quoted(["a, b", "", "it's"]) == "'a, b', '', \"it's\""
    assert format_quoted([str(k) for k in range(73)]).endswith(", '11' … and 61 more")
    column = Column("town", ("Bern", "Biel/Bienne, CH"))
    assert "expected one of 'Bern', 'Biel/Bienne, CH': fix" in column.invalid_value("Genf")


def test_missing_column() -> None:
    """The nearest name is there also if the list of names is cut before it."""
    error = missing_column("x.csv", "prise", [*LETTERS, "price"])
    assert str(error).startswith(
        "x.csv: column 'prise' is missing; did you mean 'price'? (found: a"
    )
