"""Coefficients to the closest integer codes, with an accuracy contract."""
