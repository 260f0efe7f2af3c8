"""The split by content: a row's own values decide whether it is held out, and its fold.

So the order of the rows, the layout of the files, and rows that come or go cannot move a row to
the other side; equal rows stay together. A row's hash is an integer of 64 bits; all steps are
modulo 2**64::

    hash = mix(seed)
    for word in words:                      # one for each column, the target's last
        hash = (hash ^ word) * 0x9e3779b97f4a7c15
        hash = hash ^ (hash >> 32)
    hash = mix(hash)

A number's word is its float64 bits, with -0.0 as 0.0; a text's word is the first 8 bytes of the
sha256 of its UTF-8, big-endian. `mix` is the finalizer of SplitMix64 (Steele, Lea & Flood 2014).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cali_reg.least_squares.exact_gram import Rows

Words = npt.NDArray[np.uint64]  # (n_rows,)

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))


@dataclass(frozen=True)
class ContentSplit:
    """A split of rows by their hashes: those with the smallest are held out.

    Parameters
    ----------
    seed : int
        0 to 2**32 - 1.
    test_size : float
        Fraction to hold out: at least 0 and below 1; or 1 with ``n_folds=0``.
    n_folds : int, default=1
        Number of folds, equal ranges of the hash, that the other rows are split into.
    """

    seed: int
    test_size: float
    n_folds: int = 1

    def hashes(self, words: list[Words]) -> Words:
        """Return the hash of each row, computed from the words of its columns.

        Parameters
        ----------
        words : list of arrays of shape (n_rows,)
            The words of each column, uint64, the target's last.

        Returns
        -------
        array of shape (n_rows,)
            Of uint64.
        """
        seed = np.array([self.seed], dtype=np.uint64)
        _mix(seed, np.empty_like(seed))
        result = seed ^ words[0]
        shifted = np.empty_like(result)
        for k, word in enumerate(words):
            if k > 0:
                result ^= word
            result *= _FACTOR
            result ^= np.right_shift(result, _HALF, out=shifted)
        _mix(result, shifted)
        return result

    def members(self, hashes: Words) -> list[Rows]:
        """Return the indices of the held-out rows, then those of each fold.

        Parameters
        ----------
        hashes : array of shape (n_rows,)
            As `hashes` returns them.

        Returns
        -------
        list of arrays
            ``1 + n_folds`` of them, each in ascending order.
        """
        bounds = self._bounds
        if len(bounds) == 1:  # quicker than a search
            held_out = hashes < bounds[0]
            return [np.flatnonzero(held_out), np.flatnonzero(~held_out)]
        groups = np.searchsorted(bounds, hashes, side="right")
        return [np.flatnonzero(groups == k) for k in range(len(bounds) + 1)]

    @cached_property
    def _bounds(self) -> Words:
        held_out = Fraction(self.test_size)
        parts = (Fraction(k, self.n_folds) for k in range(self.n_folds))
        bounds = [int((held_out + (1 - held_out) * part) * 2**64) for part in parts]
        return np.array(bounds, dtype=np.uint64)


def word_of_text(text: str) -> int:
    """Return the word of a text, an integer of 64 bits.

    Parameters
    ----------
    text : str
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _mix(words: Words, shifted: Words) -> None:
    """Mix words in place; `shifted` is a work array of the same size."""
    for shift, factor in _MIX:
        words ^= np.right_shift(words, np.uint64(shift), out=shifted)
        words *= np.uint64(factor)
