"""Cells of a megabyte: what reads them takes a time in proportion to their length."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import run_process

LENGTH = 1_000_000
SHAPES = {
    "digits": ("1", 1, "x"),
    "digits and dots": ("1.", 1, "x"),
    "zeros": ("0", 1, "e"),
    "fraction": ("1", 1, ".1.1"),
    "exponent": ("1e", 0, "x"),
    "exponents": ("1e1", 1, "x"),
    "blanks": (" ", 1, "x"),
    "tabs and blanks": (" \t", 1, "1x"),
    "signs": ("+-", 1, "1"),
    "quotes": ('""', 1, "x"),
    "letters": ("e", 1, "1"),
    "nines": ("9", 1, ""),
}
HEADER = "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude"
TIMEOUT = 60  # seconds for all of them; what tries a cell twice from each place takes hours


def cells(length: int) -> list[str]:
    """Return a long cell of each shape."""
    return [
        part + "1" * (length if not n else 0) + part * (n * length // len(part)) + end
        for part, n, end in SHAPES.values()
    ]


def test_number_pattern() -> None:
    """Each shape is tried once, alone and after a number."""
    code = (
        "from cali_reg.runtime.cell_parser import is_missing, parse_category, parse_cell\n"
        "from test_long_cells import LENGTH, cells\n"
        "for cell in cells(LENGTH):\n"
        "    for text in (cell, '1' + cell, '1.5e' + cell, cell[::-1]):\n"
        "        parse_cell(text); parse_category(text); is_missing(text)\n"
    )
    folder = str(Path(__file__).parent)
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r})\n{code}"]
    subprocess.run(
        command, check=True, timeout=TIMEOUT, env={"PYTHONPATH": ":".join(p for p in sys.path if p)}
    )


@pytest.mark.parametrize("column", [0, 3])
@pytest.mark.parametrize("is_large", [False, True])
def test_predict(made: Path, tmp_path: Path, column: int, is_large: bool) -> None:
    """Both engines skip such rows, each with a short message."""
    good = ["1"] * 8
    lines = [HEADER]
    for cell in cells(LENGTH // 12):  # fewer than a megabyte in all
        row = [*good]
        row[column] = cell if '"' not in cell else f'"{cell}"'
        lines.append(",".join(row))
    lines += [",".join(good)] * (100_000 if is_large else 1)
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    assert (path.stat().st_size > 1 << 20) == is_large
    words = ["predict", path, "--on-error", "skip", "--artifacts", made]
    done = run_process(*words, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr[:500]
    assert done.stdout.count(b"\n") == (100_000 if is_large else 1)
    assert len(done.stderr) < 10_000
