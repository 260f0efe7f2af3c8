"""Summarize rows in one pass: summaries add up, in any order, to the same bits."""
