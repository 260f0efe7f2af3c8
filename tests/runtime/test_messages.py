"""Messages: one line, nothing that a terminal obeys, and no secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.runtime.messages import did_you_mean, mask_secrets, print_error, printable


@given(st.text())
def test_printable(text: str) -> None:
    """What is printable stays as it is, all else is escaped."""
    found = printable(text)
    assert found.isprintable()
    assert found == "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("über ✔ C:\\x", "über ✔ C:\\x"),
        ("a\nb\r\t\x1b[31m\x7f", "a\\nb\\r\\t\\x1b[31m\\x7f"),
        ("\x85\x9b\u2028\u2029\u202e\u2066", "\\x85\\x9b\\u2028\\u2029\\u202e\\u2066"),
        ("\udc80", "\\udc80"),
    ],
)
def test_printable_examples(text: str, expected: str) -> None:
    """C0, C1, DEL, marks of direction, separators of lines, bytes that are not UTF-8."""
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://KEY:SECRET@bucket/x.csv: no", "s3://***@bucket/x.csv: no"),
        ("s3://KEY:SE/CR@ET@bucket/x.csv", "s3://***@bucket/x.csv"),
        ("s3://TOKEN@bucket/x.csv", "s3://***@bucket/x.csv"),
        ("(see 'tls://u:p@h:8786')", "(see 'tls://***@h:8786')"),
        ("s3://b/x.csv?region=eu&sig=abc: no", "s3://b/x.csv?region=***&sig=***: no"),
        ("s3://b/x.csv?token=abc'); a", "s3://b/x.csv?token=***'); a"),
        ("s3://bucket/a@b.csv", "s3://bucket/a@b.csv"),
        ("s3://bucket/part-?.csv#1", "s3://bucket/part-?.csv#1"),
        ("https://h/x.csv?TOKEN: no", "https://h/x.csv?***: no"),
        ("https://h/x.csv?a=1&TOKEN, s3://b/y", "https://h/x.csv?a=***&***, s3://b/y"),
        ("https://h/x.csv#access_token=SECRET.", "https://h/x.csv#access_token=***."),
        ("s3:/KEY:SECRET@bucket/model.json: no", "s3:/***@bucket/model.json: no"),
        ("C:/a@b.csv D:/x/a:b@c.csv", "C:/a@b.csv D:/x/a:b@c.csv"),
        ("a@b.csv?x=1 s3://bucket/x.csv", "a@b.csv?x=1 s3://bucket/x.csv"),
    ],
)
def test_secrets(text: str, expected: str) -> None:
    """No password, key or token is shown; what does not hide one is."""
    assert mask_secrets(text) == expected


def test_masking_takes_linear_time() -> None:
    """Even for a text that is all marks."""
    for text in ("://" * 300_000, "a://@" * 200_000, "://?=&" * 100_000, "s3://a:b@c " * 100_000):
        mask_secrets(text)


def test_secrets_are_masked_before_a_message_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A cut between a key and its @ would show the key."""
    print_error("cali-reg", f"s3://KEY:{'SECRET' * 500}@bucket/x.csv: no")
    assert capsys.readouterr().err == "cali-reg: s3://***@bucket/x.csv: no\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prise", "; did you mean 'price'?"),
        ("PRICE", "; did you mean 'price'?"),
        ("sepal_length", "; did you mean 'Sepal Length'?"),
        ("--traget", "; did you mean '--target'?"),
        ("--", ""),
        ("", ""),
        ("zip", ""),
        ("p" * 1_000_000, ""),
    ],
)
def test_nearest_names(name: str, expected: str) -> None:
    """Letters and digits count, in any case; a name that is like none has no suggestion."""
    assert did_you_mean(name, ["price", "Sepal Length", "--target", "x"]) == expected
