"""The README is short, and each figure in it is one that a command prints."""

import re

from sessions import ROOT

README = (ROOT / "README.md").read_text("utf-8")
MEASURED = " ".join((ROOT / "docs/explanation/measured.md").read_text("utf-8").split())


def prose(page: str) -> str:
    """Return what is read as text: no code, tables, comments, images, tags or link targets."""
    for left_out in (
        r"(?ms)^```.*?^```$",
        r"(?m)^\|.*$",
        r"(?s)<!--.*?-->",
        r"<[^>]+>",
        r"!\[[^\]]*\]\([^)]*\)",
        r"(?<=\])\([^)]*\)",
    ):
        page = re.sub(left_out, "", page)
    return page


def test_prose_is_what_is_read() -> None:
    """Words are counted by what a reader sees."""
    page = (
        "# One\n\ntwo [three](a b c) `four`\n```sh\nx y\n```\n| a | b |\n<img src='x' alt='y z'>\n"
    )
    assert re.findall(r"\w+", prose(page)) == ["One", "two", "three", "four"]


def test_readme_is_read_in_three_minutes() -> None:
    """It has about 550 words of prose."""
    words = [word for word in prose(README).split() if re.search(r"\w", word)]
    assert 450 <= len(words) <= 650


def test_links_lead_to_files() -> None:
    """No link inside the repository is dead, neither the file nor the heading."""
    links = re.findall(r"\]\(([^):]+)\)|src=\"([^\":]+)\"", README)
    assert links
    for link, source in links:
        path, _, heading = (link or source).partition("#")
        assert (ROOT / path).exists(), path
        headings = re.findall(r"(?m)^#+ (.*)$", (ROOT / path).read_text("utf-8"))
        slugs = [
            re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings
        ]
        assert not heading or heading in slugs, link


def measured(pattern: str) -> float:
    """Return the one number of docs/explanation/measured.md that a pattern finds."""
    (number,) = re.findall(pattern, MEASURED)
    return float(number.replace(",", ""))


def test_ratios_are_those_measured() -> None:
    """The README rounds what docs/explanation/measured.md has from `make bench`."""
    text = " ".join(README.split())
    expected = {
        r"(\d+) times faster than pandas": measured(r"\| Parquet \| ([\d.]+)"),
        r"(\d+) times faster than scikit-learn": measured(
            r"California drawn, 10 M × 8 \| ([\d.]+)"
        ),
        r"(\d+) milliseconds": measured(r"takes (\d+) ms as a whole process"),
        r"(\d+) times faster than loading": measured(r"takes (\d+) times as long"),
        r"(\d+) of NIST's": measured(r"\| Wampler5 \| ([\d.]+)"),
        r"(\d+) MB": measured(r"image\]\(container.md\) takes ([\d.]+) MB"),
        r"polars fits the same files (\d+)": 1 / measured(r"\| Parquet \| [\d.]+ \| ([\d.]+)"),
        r"to (\d+) times faster\. And": 1 / measured(r"between ([\d.]+) and"),
    }
    for pattern, value in expected.items():
        assert [float(found) for found in re.findall(pattern, text)] == [round(value)], pattern
    ours, theirs = re.findall(
        r"\| Parquet \|.* (\d+) MB \| (\d+) MB", MEASURED.replace("| CSV", "\n")
    )[0]
    assert ("a fifteenth of the memory" in text) == (round(float(theirs) / float(ours)) == 15)


def test_loss_is_the_one_printed() -> None:
    """The loss by quantizing is that of the tutorial, whose sessions are run."""
    (loss,) = re.findall(r"loses ([\de.-]+) of R²", README)
    assert re.search(rf"training rows +{loss} ", (ROOT / "docs/tutorial.md").read_text("utf-8"))
