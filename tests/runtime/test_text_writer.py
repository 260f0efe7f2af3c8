"""Text that has nowhere to go."""

import sys

import pytest

from cali_reg.runtime.text_writer import TextWriter


def test_closed_standard_output_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without standard output, such as a service, writes to nowhere."""
    monkeypatch.setattr(sys, "stdout", None)
    with TextWriter.open(None, ["prediction"]) as writer:
        writer.write([[0.1]])
