"""Integers, and linear systems of them."""
