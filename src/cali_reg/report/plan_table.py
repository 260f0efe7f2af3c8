"""The column plan as a text table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cali_reg.runtime.messages import text_table


def plan_table(plan: Mapping[str, Any]) -> str:
    """Format a column plan: what each column is used for, and why others are left out.

    Parameters
    ----------
    plan : mapping
        As `Plan.to_dict` returns it.

    Returns
    -------
    str
        A row for each column.
    """
    return text_table(["column", "use", ""], plan_rows(plan), align="<<<")


def plan_rows(plan: Mapping[str, Any]) -> list[list[str]]:
    """Return the rows of the table: name, use, and facts or the reason.

    Parameters
    ----------
    plan : mapping
        As `Plan.to_dict` returns it.
    """
    return [[c["name"], c["use"], _details(c)] for c in plan["columns"]]


def _details(choice: Mapping[str, Any]) -> str:
    details = []
    if choice["reason"] is not None:
        details.append(choice["reason"])
    elif choice["use"] == "category":
        details += [f"{choice['distinct']} categories"] if choice["distinct"] else []
    elif choice["minimum"] is not None:
        details.append(f"{choice['minimum']:g} to {choice['maximum']:g}")
    if choice["missing"] and choice["reason"] != "empty":
        details.append(f"{choice['missing']} missing")
    return ", ".join(details)
