"""Names from anywhere, on the way to a terminal: no control character, one line each."""

import os
from pathlib import Path

import pytest
from commands import Run
from forgeries import resealed

BAD = "\x1b[31mred\r\x07\x85\x9b2J\u202e\u2028\u2066"


def check(text: str) -> None:
    """Check that what was printed holds nothing that a terminal obeys."""
    assert not [line for line in text.split("\n") if not line.isprintable()]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Return a folder with a CSV file whose names and levels are hostile, and so is its name."""
    folder = tmp_path / (BAD if os.name == "posix" else "x")
    folder.mkdir()
    lines = [f'"{BAD}a","{BAD}\nb","{BAD}y"']
    lines += [f'{k},"{BAD}\n{"lm"[k % 2]}",{k * k % 17}' for k in range(60)]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return folder


def test_every_command(run: Run, odd: Path) -> None:
    """All that is printed is printable, on both streams."""
    rows, model = odd / "rows.csv", odd / "model"
    train = ["train", "--data", rows, "--target", f"{BAD}y", "--categorical", f'"{BAD}\nb"']
    commands: list[tuple[int, list[object]]] = [
        (0, [*train, "--cv", "2"]),
        (0, ["quantize"]),
        (0, ["verify", "--data", rows]),
        (0, ["predict"]),
        (0, ["update", "--add", rows]),
        (0, ["predict"]),
        (1, ["verify", "--data", rows]),
        (2, ["predict", rows, "--keep", f"{BAD}z"]),
        (2, ["predict", odd / "x.csv"]),
        (2, ["train", "--data", rows, "--target", f"{BAD}x"]),
        (2, ["predict", "--precision", f"{BAD}x"]),
        (2, ["predict", f"--{BAD}"]),
    ]
    for expected, words in commands:
        code, out, err = run(*words, "--artifacts", model)
        assert code == expected, err
        check(out + err)
        if code:
            assert err.count("\n") == 1


def test_levels_in_messages(run: Run, odd: Path) -> None:
    """A value that is not valid is shown, escaped."""
    rows, model = odd / "rows.csv", odd / "model"
    names = [f"{BAD}y", "--categorical", f'"{BAD}\nb"']
    assert run("train", "--data", rows, "--artifacts", model, "--target", *names)[0] == 0
    new = odd / "new.csv"
    header = rows.read_bytes().decode().split(f'"{BAD}y"')[0]
    new.write_text(f'{header}"y"\n1,"{BAD}\nl",0\n2,"{BAD}",0\n"{BAD}",{BAD}l,0\n')
    for options in (["--unseen", "baseline"], []):
        code, out, err = run("predict", new, "--artifacts", model, "--on-error", "skip", *options)
        assert code == 0, err
        assert out
        check(out + err)
        assert "\\x1b[31mred" in err


@pytest.mark.parametrize("field", ["version", "format", "target", "source"])
def test_fields_of_a_model(run: Run, folder: Path, field: str) -> None:
    """Nor does a file that calls itself a model."""
    path = folder / "model.json"
    path.write_bytes(resealed(path.read_bytes(), **{field: f"{BAD}\nFAKE"}))
    for command in (["predict"], ["verify"], ["quantize"], ["export", "--format", "c"]):
        _, out, err = run(*command, "--artifacts", folder)
        check(out + err)
