"""The regression table for people: text, HTML in notebooks, and JSON values."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cali_reg.runtime.messages import printable, text_table

if TYPE_CHECKING:  # a table needs none of the packages that made its numbers
    from cali_reg.least_squares.statistics.coefficient_tests import CoefficientRow, FTest
    from cali_reg.least_squares.statistics.multicollinearity import Multicollinearity
    from cali_reg.least_squares.statistics.regression_table import RegressionTable

NUMBERS = ' style="text-align: right"'
ASSUMPTIONS = {"classical": "they are true if errors are independent and have one variance"}

Part = tuple[Sequence[str], list[list[str]]]  # a header, and rows


class Summary:
    """The regression table of a fit.

    It prints as text; notebooks show it as HTML.

    Parameters
    ----------
    table : RegressionTable
    shares : Multicollinearity, optional
        To show the inflation of variances and the condition number, too.
    baselines : sequence of (int, str), default=()
        Baselines of categorical columns to show: how many features come before it, and its name.

    Attributes
    ----------
    table : RegressionTable
    shares : Multicollinearity or None
    """

    def __init__(
        self,
        table: RegressionTable,
        shares: Multicollinearity | None = None,
        baselines: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.table, self.shares, self._baselines = table, shares, baselines

    def __str__(self) -> str:
        parts = "\n".join(text_table(header, rows) for header, rows in self.parts())
        return f"{parts}\n{self.note}\n"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = "".join(html_table(header, rows) for header, rows in self.parts())
        return f"{parts}<p>{html.escape(self.note)}</p>\n"

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as JSON values, not rounded; what is undefined is None."""
        values = self.table.to_dict()
        if self.shares is not None:
            values |= {
                "variance_inflation": list(self.shares.variance_inflation),
                "condition_number": self.shares.condition_number,
            }
            values["reasons"] = {**values["reasons"], **self.shares.reasons}
        return values

    def parts(self) -> list[Part]:
        """Return the tables to show, each a header and rows."""
        table = self.table
        first = coefficient_part(
            table.coefficients, table.level, self._baselines, has_intercept=table.fit_intercept
        )
        parts = [first, self._tests(), self._statistics()]
        return parts if self.shares is None else [*parts, self._shares(self.shares)]

    @property
    def note(self) -> str:
        """What kind the standard errors are of, and when they are true."""
        kind = self.table.errors
        assumption = ASSUMPTIONS.get(kind)
        return f"standard errors: {kind}" + (f"; {assumption}" if assumption else "")

    def _tests(self) -> Part:
        rows = [_test("all features", self.table.f_test)]
        rows += [_test(test.name, test) for test in self.table.joint_tests]
        return ["test that all are 0", "F", "degrees of freedom", "p"], rows

    def _statistics(self) -> Part:
        table = self.table
        n_parameters = table.rank + table.fit_intercept
        about = "" if table.fit_intercept else ", about zero"
        values = {
            f"R²{about}": _number(table.r2, ".6f"),
            f"adjusted R²{about}": _number(table.adjusted_r2, ".6f"),
            "residual standard deviation": _number(table.residual_standard_deviation, ".6g"),
            "residual degrees of freedom": str(table.degrees_of_freedom),
            "log-likelihood": _number(table.log_likelihood, ".8g"),
            f"AIC, {n_parameters} parameters": _number(table.aic, ".8g"),
            f"BIC, {n_parameters} parameters": _number(table.bic, ".8g"),
        }
        rows = [list(pair) for pair in values.items()]
        rows += _reasons(table.reasons)
        return [f"{table.n_samples} training rows", ""], rows

    def _shares(self, shares: Multicollinearity) -> Part:
        names = [row.name for row in self.table.coefficients[self.table.fit_intercept :]]
        pairs = zip(names, shares.variance_inflation, strict=True)
        rows = [[name, _number(factor, ".2f")] for name, factor in pairs]
        rows.append(["(condition number)", _number(shares.condition_number, ".4g")])
        rows += _reasons(shares.reasons)
        return ["shared with other columns", "variance inflation"], rows


def coefficient_part(
    coefficients: Sequence[CoefficientRow],
    level: float,
    baselines: Sequence[tuple[int, str]] = (),
    *,
    has_intercept: bool = True,
) -> Part:
    """Return a row for each coefficient; the baseline of a categorical column has no number.

    Parameters
    ----------
    coefficients : sequence of CoefficientRow
    level : float
        Of the confidence intervals.
    baselines : sequence of (int, str), default=()
        As for `Summary`.
    has_intercept : bool, default=True
        Whether the first coefficient is the intercept.
    """
    rows = [
        [
            row.name,
            f"{row.coefficient:.6g}",
            _number(row.standard_error, ".3g"),
            _number(row.t, ".2f"),
            _probability(row.p),
            _number(row.low, ".6g"),
            _number(row.high, ".6g"),
        ]
        for row in coefficients
    ]
    for k, (n_before, name) in enumerate(baselines):
        rows.insert(has_intercept + n_before + k, [name, "baseline", *[""] * 5])
    interval = f"{100 * level:.10g} % from"
    return ["", "coefficient", "std. error", "t", "p", interval, "to"], rows


def html_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, style: str = NUMBERS
) -> str:
    """Return an HTML table; text is escaped.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences of str
    style : str, optional
        Of all columns but the first; by default they are aligned to the right.
    """
    lines = [_line("th", header, style), *(_line("td", row, style) for row in rows)]
    return "<table>\n" + "".join(lines) + "</table>\n"


def _line(kind: str, cells: Sequence[str], style: str) -> str:
    parts = (
        f"<{kind}{style if j else ''}>{html.escape(printable(cell))}</{kind}>"
        for j, cell in enumerate(cells)
    )
    return f"<tr>{''.join(parts)}</tr>\n"


def _reasons(reasons: Mapping[str, str]) -> list[list[str]]:
    """Say why numbers are shown as -, each reason once."""
    return [[f"-: {reason}", ""] for reason in dict.fromkeys(reasons.values())]


def _test(name: str, test: FTest) -> list[str]:
    degrees = f"{test.numerator}, {test.denominator}"
    return [name, _number(test.f, ".6g"), degrees, _probability(test.p)]


def _probability(p: float | None) -> str:
    return "<1e-300" if p is not None and p < 1e-300 else _number(p, ".3g")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
