"""Student's t distribution. SciPy is imported only when a value is computed."""

from __future__ import annotations


def two_sided_quantile(degrees_of_freedom: int, level: float) -> float:
    """Return the t for which ``P(|T| <= t)`` is `level`, for Student's T.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    level : float
        Between 0 and 1.

    Returns
    -------
    float
        To six significant digits: in later ones systems differ.

    Examples
    --------
    >>> two_sided_quantile(10, 0.95)
    2.22814
    """
    from scipy.special import stdtrit

    return float(f"{stdtrit(degrees_of_freedom, (1 + level) / 2):.6g}")


def two_sided_p_value(degrees_of_freedom: int, t: float) -> float:
    """Return ``P(|T| >= |t|)`` for Student's T, the p-value of a two-sided test.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    t : float
        An estimate over its standard error.

    Returns
    -------
    float
        Between 0 and 1. Its last digits may differ between systems; print fewer.

    Examples
    --------
    >>> round(two_sided_p_value(10, -2.0), 6)
    0.073388
    """
    from scipy.special import stdtr

    return float(2 * stdtr(degrees_of_freedom, -abs(t)))
