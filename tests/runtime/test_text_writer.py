"""Text that has nowhere to go."""

import csv
import io
import sys
from pathlib import Path

import pytest
from commands import Run

from cali_reg.runtime.text_writer import TextWriter


def test_closed_standard_output_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without standard output, such as a service, writes to nowhere."""
    monkeypatch.setattr(sys, "stdout", None)
    with TextWriter.open(None, ["prediction"]) as writer:
        writer.write([[0.1]])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x\rvictim", '"x\rvictim"'),
        ("\r", '"\r"'),
        ("a\r\n", '"a\r\n"'),
        ("a\nb", '"a\nb"'),
        ('a"b', '"a""b"'),
        ("a,b", '"a,b"'),
        ("=1+1", "=1+1"),
        ("", ""),
        (" é\u2028", " é\u2028"),
    ],
)
def test_quotes(cell: str, expected: str) -> None:
    """A cell is quoted if a reader would split it; the bytes are the same on every Python."""
    file = io.StringIO()
    TextWriter(file, ["id", "prediction"]).write([[cell, 0.5], [cell, -1e-300]])
    lines = ["id,prediction", f"{expected},0.5", f"{expected},-1e-300"]
    assert file.getvalue() == "\n".join([*lines, ""])
    assert [*csv.reader(io.StringIO(file.getvalue(), newline=""))][1:] == [
        [cell, "0.5"],
        [cell, "-1e-300"],
    ]


@pytest.mark.parametrize("n_rows", [1, 60_000])
def test_a_cell_cannot_forge_a_row(run: Run, made: Path, tmp_path: Path, n_rows: int) -> None:
    """Neither row by row nor by columns."""
    names = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup"]
    header = ",".join(["id", *names, "Latitude", "Longitude"])
    path = tmp_path / "rows.csv"
    path.write_text(header + "\n" + '"x\rvictim",1,2,3,4,5,6,37,-120\n' * n_rows, newline="")
    code, out, _ = run("predict", path, "--keep", "id", "--artifacts", made)
    assert code == 0
    assert out.split("\n")[1].startswith('"x\rvictim",2.')
    assert out.count("\n") == n_rows + 1
