"""Threads that draw from one iterator: each item once, and the earliest error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import chain, count

import pytest

from cali_reg.data.prefetch import ahead, share


class FailedError(Exception):
    """Raised for an item."""


@pytest.mark.parametrize("n_threads", [None, 1, 2, 7])
@pytest.mark.parametrize("n_items", [0, 1, 1000])
def test_each_item_is_drawn_once(n_threads: int | None, n_items: int) -> None:
    """Each thread draws in order, and together they draw all."""
    shares = share(iter(range(n_items)), list, n_threads)
    assert all(own == sorted(own) for own in shares)
    assert sorted(chain.from_iterable(shares)) == list(range(n_items))


def test_threads_work_at_the_same_time() -> None:
    """Two threads meet, which one alone would wait for in vain."""
    barrier = threading.Barrier(2)

    def work(own: Iterator[int]) -> int:
        return sum(barrier.wait(timeout=20) is not None for _ in own)

    assert share(iter(range(2)), work, 2) == [1, 1]


def test_earliest_error_is_raised() -> None:
    """The first item's error counts, even if it comes last."""
    second_failed = threading.Event()

    def work(own: Iterator[int]) -> None:
        for item in own:
            try:
                if item == 0:
                    assert second_failed.wait(timeout=20)
                raise FailedError(item)
            finally:
                second_failed.set()

    with pytest.raises(FailedError, match="0"):
        share(iter(range(2)), work, 2)


def test_no_thread_draws_on_after_an_error() -> None:
    """One thread's error ends the others, whose items have no end."""

    def work(own: Iterator[int]) -> None:
        for item in own:
            if item == 3:
                raise FailedError(item)

    with pytest.raises(FailedError, match="3"):
        share(count(), work, 2)


@pytest.mark.parametrize(("fails", "match"), [(False, "reading"), (True, "0")])
def test_errors_of_the_items(fails: bool, match: str) -> None:
    """What cannot be drawn is raised, unless an item before it fails."""
    ended = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        ended.set()
        raise FailedError("reading")

    def work(own: Iterator[int]) -> None:
        for item in own:
            assert ended.wait(timeout=20)
            if fails:
                raise FailedError(item)

    with pytest.raises(FailedError, match=match):
        share(items(), work, 2)


def test_what_cannot_be_drawn_has_a_place_of_its_own() -> None:
    """Item 1 fails before item 2, which cannot be drawn by the thread that had item 0."""
    drawn, ended = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield from range(2)
        ended.set()
        raise FailedError("reading")

    def work(own: Iterator[int]) -> None:
        for item in own:
            if item == 0:
                assert drawn.wait(timeout=20)
            else:
                drawn.set()
                assert ended.wait(timeout=20)
                raise FailedError(item)

    with pytest.raises(FailedError, match="1"):
        share(items(), work, 2)


def test_an_interrupt_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C no thread draws another item, and the interrupt is passed on."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupt)
    with pytest.raises(KeyboardInterrupt):
        share(count(), sum, 2)


def test_ahead_yields_all_and_passes_errors_on() -> None:
    """Items come in their order; an error comes where it belongs."""

    def items() -> Iterator[int]:
        yield from range(3)
        raise FailedError

    found = ahead(items())
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FailedError):
        next(found)
