"""What `make site` checks, and that its pages are complete."""

import re

import pytest
from sessions import ROOT
from site_checks import outside_requests


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://example.org/a.js">',
        "<img alt=x src=//example.org/a.png>",
        '<link rel="stylesheet" href="https://example.org/a.css">',
        '<link href="https://example.org" rel=preconnect>',
        '@import "https://example.org/a.css";',
        "a { background: url( 'http://example.org/a.png' ) }",
    ],
)
def test_requests_to_other_hosts_are_found(text: str) -> None:
    """Whatever a browser would load is seen, in each way to ask for it."""
    (found,) = outside_requests(text)
    assert "//example.org" in found


def test_links_are_no_requests() -> None:
    """A link that a reader may follow loads nothing, nor does a file of the site."""
    text = '<a href="https://example.org">x</a><script src="assets/a.js"></script>url(a.png)'
    assert outside_requests(text) == []


def test_every_page_is_in_the_navigation() -> None:
    """The navigation lists all pages, each once."""
    pages = re.findall(
        r"(?m)^ +- (?:[^:\n]+: )?([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8")
    )
    docs = ROOT / "docs"
    assert sorted(pages) == sorted(p.relative_to(docs).as_posix() for p in docs.rglob("*.md"))


def test_warnings_fail_the_build() -> None:
    """The build is strict, and not quiet: that would hide the warnings from it."""
    (command,) = re.findall(r"(?m)^commands = mkdocs (.*)$", (ROOT / "tox.ini").read_text("utf-8"))
    assert "--strict" in command
    assert "--quiet" not in command
