"""Headers of Parquet pages: all of Thrift's compact encoding, and what is damaged."""

import pytest

from cali_reg.data.formats.parquet_pages import _Header

I16, I32, I64 = 4, 5, 6


def integer(value: int) -> bytes:
    """Return a number of seven bits a byte."""
    low, high = value & 127, value >> 7
    return bytes([low | 128]) + integer(high) if high else bytes([low])


def signed(value: int) -> bytes:
    """Return a number whose lowest bit is its sign."""
    return integer(2 * value if value >= 0 else -2 * value - 1)


def items(kind: int, count: int, content: bytes) -> bytes:
    """Return a list."""
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + integer(count)
    return head + content


# the kind of a field, its content, and the integer that is read
FIELDS: list[tuple[int, bytes, int | None]] = [
    (I32, signed(0), 0),
    (I32, signed(70_000), 70_000),
    (I64, signed(-(2**40)), -(2**40)),
    (I16, signed(-1), -1),
    (1, b"", None),  # true
    (2, b"", None),  # false
    (3, b"\xff", None),  # a byte
    (7, b"\0\1\2\3\4\5\6\7", None),  # a double
    (8, integer(200) + b"x" * 200, None),  # a text
    (9, items(1, 3, b"\1\2\1"), None),
    (10, items(I32, 20, signed(-300) * 20), None),
    (9, items(8, 2, integer(3) + b"abc" + integer(0)), None),
    (9, items(12, 2, b"\x15\2\0" * 2), None),  # two structures of one integer
    (12, b"\x1c\x15\2\0\0", None),  # a structure in a structure
    (I32, signed(5), 5),
]


def header(step: int) -> bytes:
    """Return a structure with all fields, whose numbers are so far apart."""
    parts = []
    for k, (kind, content, _) in enumerate(FIELDS, start=1):
        head = bytes([step << 4 | kind]) if step < 16 else bytes([kind]) + signed(step * k)
        parts.append(head + content)
    return b"".join(parts) + b"\0"


@pytest.mark.parametrize("step", [1, 3, 15, 100])
def test_all_types_of_fields(step: int) -> None:
    """Integers are returned by number, all else is passed over, and so is what follows."""
    data = header(step)
    found = _Header(data + b"page")
    expected = {step * k: value for k, (*_, value) in enumerate(FIELDS, start=1)}
    assert found.structure() == {k: v for k, v in expected.items() if v is not None}
    assert found.position == len(data)


def test_cut_off() -> None:
    """Wherever a header ends too early, it is noticed."""
    data = header(1)
    for n_bytes in range(len(data)):
        with pytest.raises(IndexError):
            _Header(data[:n_bytes]).structure()


@pytest.mark.parametrize(
    "data",
    [
        b"\x1b\0\0",  # a map: headers have none
        b"\x1d\0",  # no type
        b"\x15" + b"\xff" * 12 + b"\1\0",  # an integer of 85 bits
        b"\x1c" * 40 + b"\0" * 41,  # forty structures in each other
        b"\x19" * 40 + b"\0" * 41,  # as lists
        b"\x19" + items(1, 2**60, b"\1\1"),  # more than there are
        b"\x18" + integer(2**60) + b"x",
    ],
)
def test_damaged(data: bytes) -> None:
    """No type that headers never have, no endless number, no endless nesting."""
    with pytest.raises(IndexError):
        _Header(data).structure()
