"""Threads that take from one iterator: each item once, and the earliest error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import chain, count

import pytest

from cali_reg.data.prefetch import prefetch, run_workers


class FailedError(Exception):
    """Raised for an item."""


class Listing:
    """A worker that lists its items, and may do something with each."""

    def __init__(self, work: Callable[[int], object] = abs) -> None:
        self.items: list[int] = []
        self._work = work

    def add(self, item: int) -> None:
        """Work on an item."""
        self._work(item)
        self.items.append(item)


def run(
    items: Iterator[int], work: Callable[[int], object] = abs, n_threads: int | None = 2
) -> list[list[int]]:
    """Return the items that each worker has had."""
    return [worker.items for worker in run_workers(items, partial(Listing, work), n_threads)]


@pytest.mark.parametrize("n_threads", [None, 1, 2, 7])
@pytest.mark.parametrize("n_items", [0, 1, 1000])
def test_each_item_is_taken_once(n_threads: int | None, n_items: int) -> None:
    """Each thread takes items in order, and together they take all."""
    taken = run(iter(range(n_items)), n_threads=n_threads)
    assert all(own == sorted(own) for own in taken)
    assert sorted(chain.from_iterable(taken)) == list(range(n_items))


def test_threads_work_at_the_same_time() -> None:
    """Two threads meet, which one alone would wait for in vain."""
    barrier = threading.Barrier(2)
    taken = run(iter(range(2)), lambda _: barrier.wait(timeout=20))
    assert sorted(taken) == [[0], [1]]


def test_earliest_error_is_raised() -> None:
    """The first item's error counts, even if it comes last."""
    second_failed = threading.Event()

    def work(item: int) -> None:
        try:
            if item == 0:
                assert second_failed.wait(timeout=20)
            raise FailedError(item)
        finally:
            second_failed.set()

    with pytest.raises(FailedError, match="0"):
        run(iter(range(2)), work)


def test_no_thread_goes_on_after_an_error() -> None:
    """One thread's error ends the others, whose items have no end."""

    def work(item: int) -> None:
        if item == 3:
            raise FailedError(item)

    with pytest.raises(FailedError, match="3"):
        run(count(), work)


@pytest.mark.parametrize(("fails", "match"), [(False, "reading"), (True, "0")])
def test_errors_of_the_items(fails: bool, match: str) -> None:
    """An item that cannot be read is an error, unless an item before it fails."""
    ended = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        ended.set()
        raise FailedError("reading")

    def work(item: int) -> None:
        assert ended.wait(timeout=20)
        if fails:
            raise FailedError(item)

    with pytest.raises(FailedError, match=match):
        run(items(), work)


def test_an_item_that_cannot_be_read_has_a_number_of_its_own() -> None:
    """Item 1 fails before item 2, which cannot be read by the thread that had item 0."""
    taken, ended = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield from range(2)
        ended.set()
        raise FailedError("reading")

    def work(item: int) -> None:
        if item == 0:
            assert taken.wait(timeout=20)
        else:
            taken.set()
            assert ended.wait(timeout=20)
            raise FailedError(item)

    with pytest.raises(FailedError, match="1"):
        run(items(), work)


def test_an_interrupt_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C no thread takes another item, and the interrupt is passed on."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(count())


def test_prefetch_yields_all_and_passes_errors_on() -> None:
    """Items come in their order; an error comes where it belongs."""

    def items() -> Iterator[int]:
        yield from range(3)
        raise FailedError

    found = prefetch(items())
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FailedError):
        next(found)
