"""The split by content of ``docs/explanation/split.md``, in Python's integers and nothing else."""

from __future__ import annotations

import hashlib
import math
import struct
from fractions import Fraction

Row = list[float | str]


def mix(word: int) -> int:
    """Return SplitMix64's finalizer of a word."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def word_of(value: float | str) -> int:
    """Return the word of a number or a text."""
    if isinstance(value, str):
        return int(hashlib.sha256(value.encode("utf-8")).hexdigest()[:16], 16)
    return int(struct.unpack("<Q", struct.pack("<d", 0.0 if value == 0 else value))[0])


def hash_of(row: Row, seed: int) -> int:
    """Return a row's hash, step by step as the module's docstring has it."""
    result = mix(seed)
    for value in row:
        result = (result ^ word_of(value)) * 0x9E3779B97F4A7C15 % 2**64
        result = result ^ result >> 32
    return mix(result)


def fold_of(row: Row, seed: int, test_size: float, n_folds: int) -> int:
    """Return 0 for a row held out, else its fold: by rational numbers."""
    place = Fraction(hash_of(row, seed), 2**64)
    if place < Fraction(test_size):
        return 0
    return 1 + math.floor((place - Fraction(test_size)) / (1 - Fraction(test_size)) * n_folds)


def is_held_out(row: Row) -> bool:
    """Tell whether a row is held out by default."""
    return fold_of(row, 42, 0.2, 1) == 0
