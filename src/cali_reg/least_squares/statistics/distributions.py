"""Student's t, Fisher's F and chi-squared: p values and quantiles, each correctly rounded.

With a numerator and b denominator degrees of freedom ``P(F >= f)`` is the regularized incomplete
beta function I(b / 2, a / 2) at b / (b + a f), and t² is an F of 1 and b. FLINT encloses the
functions in balls (Johansson, ACM Transactions on Mathematical Software 45, 2019); precision rises
until both ends of a ball round to one float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import flint

from cali_reg.least_squares.rounding import ball_to_float

# a statistic to the probabilities of less and of more: whichever is small has all of its digits
Sides = Callable[[flint.arb], tuple[flint.arb, flint.arb]]

PRECISIONS = [128 << step for step in range(7)]  # bits
_TINY = 1100  # a probability below 2**-1100 rounds to zero
_FAR = 1e6  # log-odds where a probability is almost 0 or 1
_MOST_STEPS = 100


def two_sided_quantile(degrees_of_freedom: int, level: float) -> float:
    """Return the t for which ``P(|T| <= t)`` is `level`, for Student's T, as intervals store it.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    level : float
        Between 0 and 1.

    Returns
    -------
    float
        `t_quantile` to six significant digits.

    Examples
    --------
    >>> two_sided_quantile(10, 0.95)
    2.22814
    """
    return float(f"{t_quantile(degrees_of_freedom, level):.6g}")


@lru_cache
def t_quantile(degrees_of_freedom: int, level: float) -> float:
    """Return the t for which ``P(|T| <= t)`` is `level`, for Student's T.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    level : float
        Between 0 and 1; it is taken as the decimal number that Python prints.

    Returns
    -------
    float
        Correctly rounded.

    Examples
    --------
    >>> t_quantile(10, 0.95)
    2.228138851986275
    """
    return _quantile(lambda t: _f_sides(1, degrees_of_freedom, t * t), level)


def f_quantile(numerator: int, denominator: int, probability: float) -> float:
    """Return the f for which ``P(F <= f)`` is `probability`, for Fisher's F.

    Parameters
    ----------
    numerator, denominator : int
        Degrees of freedom, at least 1.
    probability : float
        Between 0 and 1; it is taken as the decimal number that Python prints.

    Returns
    -------
    float
        Correctly rounded.

    Examples
    --------
    >>> f_quantile(3, 10, 0.95)
    3.7082648190468444
    """
    return _quantile(lambda f: _f_sides(numerator, denominator, f), probability)


def chi2_quantile(degrees_of_freedom: int, probability: float) -> float:
    """Return the x for which ``P(X <= x)`` is `probability`, for a chi-squared X.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    probability : float
        Between 0 and 1; it is taken as the decimal number that Python prints.

    Returns
    -------
    float
        Correctly rounded.

    Examples
    --------
    >>> chi2_quantile(1, 0.95)
    3.841458820694126
    """
    return _quantile(lambda x: _chi2_sides(degrees_of_freedom, x), probability)


def two_sided_p_value(degrees_of_freedom: int, t: float) -> float:
    """Return ``P(|T| >= |t|)`` for Student's T, the p value of a two-sided test.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    t : float
        An estimate over its standard error.

    Returns
    -------
    float
        Correctly rounded.

    Examples
    --------
    >>> two_sided_p_value(10, -2.0)
    0.07338803477074037
    """
    return round_ball(lambda: f_tail(1, degrees_of_freedom, flint.arb(t) ** 2))


def f_p_value(numerator: int, denominator: int, f: float) -> float:
    """Return ``P(F >= f)`` for Fisher's F.

    Parameters
    ----------
    numerator, denominator : int
        Degrees of freedom, at least 1.
    f : float
        Zero or above.

    Returns
    -------
    float
        Correctly rounded.

    Examples
    --------
    >>> f_p_value(1, 10, 4.0)  # as of t = 2
    0.07338803477074037
    """
    return round_ball(lambda: f_tail(numerator, denominator, flint.arb(f)))


def chi2_p_value(degrees_of_freedom: int, x: float) -> float:
    """Return ``P(X >= x)`` for a chi-squared X.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    x : float
        Zero or above.

    Returns
    -------
    float
        Correctly rounded.

    Examples
    --------
    >>> chi2_p_value(2, 0.0)
    1.0
    """
    return round_ball(lambda: chi2_tail(degrees_of_freedom, flint.arb(x)))


def f_tail(numerator: int, denominator: int, f: flint.arb) -> flint.arb:
    """Enclose ``P(F >= f)`` at the precision set.

    Parameters
    ----------
    numerator, denominator : int
        Degrees of freedom, at least 1.
    f : arb
        Zero or above.

    Returns
    -------
    arb
    """
    if not f.is_exact():  # it falls with f, and FLINT's bounds are wide where f is a wide ball
        bits = max(PRECISIONS[0], f.rel_accuracy_bits() + 32)  # no more can be had
        with flint.ctx.workprec(min(bits, flint.ctx.prec)):
            ends = [_exact_f_tail(numerator, denominator, e) for e in (abs(f.lower()), f.upper())]
            return ends[0].union(ends[1])
    return _exact_f_tail(numerator, denominator, f)


def _f_sides(numerator: int, denominator: int, f: flint.arb) -> tuple[flint.arb, flint.arb]:
    if f < 1:
        head = _f_head(numerator, denominator, f)
        return head, 1 - head
    tail = f_tail(numerator, denominator, f)
    return 1 - tail, tail


def _chi2_sides(degrees_of_freedom: int, x: flint.arb) -> tuple[flint.arb, flint.arb]:
    tail = chi2_tail(degrees_of_freedom, x)
    head = 1 - tail
    if x < degrees_of_freedom and head.rel_accuracy_bits() < flint.ctx.prec // 2:
        head = _gamma_series(flint.fmpq(degrees_of_freedom, 2), x / 2)
    return head, tail


def _gamma_series(s: flint.fmpq, x: flint.arb) -> flint.arb:
    """Enclose the lower incomplete gamma function, for x < s, where FLINT's loses its digits.

    It is ``x**s exp(-x) / Γ(s + 1)`` times ``1 + x / (s + 1) + x**2 / ((s + 1) (s + 2)) + ...``.
    """
    total = term = flint.arb(1)
    n, smallest = 0, flint.arb(2) ** -flint.ctx.prec
    while not term < smallest:
        n += 1
        term *= x / (s + n)
        total += term
    left = term * x / (s + 1) / (1 - x / (s + 1))  # a geometric series is larger
    return (s * x.log() - x - flint.arb(s + 1).lgamma()).exp() * total.union(total + left)


def _f_head(numerator: int, denominator: int, f: flint.arb) -> flint.arb:
    y = numerator * f / (denominator + numerator * f)
    return y.beta_lower(flint.fmpq(numerator, 2), flint.fmpq(denominator, 2), regularized=True)


def _exact_f_tail(numerator: int, denominator: int, f: flint.arb) -> flint.arb:
    a, b = flint.fmpq(numerator, 2), flint.fmpq(denominator, 2)
    total = denominator + numerator * f
    if f < 1:  # where the probability is near 1, it is exact as what is left of 1
        return 1 - _f_head(numerator, denominator, f)
    x, y = denominator / total, numerator * f / total
    # u**(b - 1) (1 - u)**(a - 1) from 0 to x is at most x**b / b times the largest last factor
    largest = -y.log() / 2 if numerator == 1 else flint.arb(0)
    beta = flint.arb(a).lgamma() + flint.arb(b).lgamma() - flint.arb(a + b).lgamma()
    log_bound = b * x.log() + largest - flint.arb(b).log() - beta
    if log_bound < -_TINY:
        return _almost_zero()
    series = _t_series(b, x / y) if numerator == 1 else None
    if series is not None:
        return log_bound.exp() * series
    return x.beta_lower(b, a, regularized=True)


def _t_series(b: flint.fmpq, ratio: flint.arb) -> flint.arb | None:
    """Enclose Student's tail over ``x**b / (b B(1/2, b) sqrt(1 - x))``; None if t is too small.

    Integration by parts of u**(b - 1) (1 - u)**(-1/2) gives an alternating asymptotic series in
    ``x / (1 - x)``, and what is left out has the sign and at most the size of the next term.
    """
    total = term = flint.arb(1)
    smallest = flint.arb(2) ** -(flint.ctx.prec * 3 // 4)
    for n in range(flint.ctx.prec):
        factor = ratio * flint.fmpq(2 * n + 1, 2) / (b + n + 1)
        if not factor < 1:
            return None
        term *= -factor
        if abs(term) < smallest:
            return total.union(total + term)
        total += term
    return None


def chi2_tail(degrees_of_freedom: int, x: flint.arb) -> flint.arb:
    """Enclose ``P(X >= x)`` for a chi-squared X, at the precision set.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    x : arb
        Zero or above.

    Returns
    -------
    arb
    """
    k = degrees_of_freedom
    # Chernoff's bound: the probability is at most (x e / k)**(k / 2) * exp(-x / 2) for x > k
    if x > k and (k * (1 + (x / k).log()) - x) / 2 < -_TINY:
        return _almost_zero()
    return (x / 2).gamma_upper(flint.fmpq(k, 2), regularized=1)


def round_ball(enclose: Callable[[], flint.arb]) -> float:
    """Return the float64 nearest to a number that balls of any precision enclose.

    Parameters
    ----------
    enclose : callable
        Return a ball at the precision set.

    Returns
    -------
    float
        That of the middle of the last ball if even this holds a tie: no such number is known.

    Raises
    ------
    OverflowError
        If the number is beyond float64.
    """
    for precision in PRECISIONS:
        with flint.ctx.workprec(precision):
            ball = enclose()
            rounded = ball_to_float(ball)
        if rounded is not None:
            return rounded + 0.0
    return float(ball.mid())


def _almost_zero() -> flint.arb:
    """Return a ball of numbers that all round to zero."""
    return flint.arb(0, (1, -_TINY))


def _quantile(sides: Sides, probability: float) -> float:
    """Return the float64 nearest to the x for which the probability of less is given."""
    level = Fraction(str(float(probability)))
    inside = flint.fmpq(level.numerator, level.denominator)
    x = _approximate(sides, inside)
    for _ in range(_MOST_STEPS):
        below, above = math.nextafter(x, 0.0), math.nextafter(x, math.inf)
        if x and not _is_below(sides, _middle(below, x), inside):
            x = below
        elif _is_below(sides, _middle(x, above), inside):
            x = above
        else:
            return x
    raise ArithmeticError(f"the quantile of {probability} is not near {x}")


def _approximate(sides: Sides, inside: flint.fmpq) -> float:
    """Find x by the secant method that keeps a bracket (Illinois), on log-odds of log2(x)."""

    def excess(log2: flint.arb) -> flint.arb:
        head, tail = sides(flint.arb(2) ** log2)
        if tail > 2.0**-_TINY and head > 0:
            return (tail.log() - head.log() - target).mid()
        return flint.arb(-_FAR if head > inside else _FAR)

    with flint.ctx.workprec(PRECISIONS[0]):
        target = flint.arb(1 - inside).log() - flint.arb(inside).log()
        low, high = flint.arb(-1), flint.arb(1)
        while excess(low) < 0:
            low *= 2
        while excess(high) > 0:
            high *= 2
        above, below, middle = excess(low), excess(high), low
        for _ in range(_MOST_STEPS):
            before, middle = middle, (low + (high - low) * above / (above - below)).mid()
            found = excess(middle)
            if found == 0 or abs(middle - before) < 2.0**-60:
                break
            if found > 0:
                low, above, below = middle, found, below / 2
            else:
                high, below, above = middle, found, above / 2
        return float((flint.arb(2) ** middle).mid())


def _is_below(sides: Sides, x: flint.fmpq, inside: flint.fmpq) -> bool:
    """Tell whether less than x has less probability than `inside`; False for a tie."""
    for precision in PRECISIONS:
        with flint.ctx.workprec(precision):
            head, tail = sides(flint.arb(x))
            if head < inside or tail > 1 - inside:
                return True
            if head > inside or tail < 1 - inside:
                return False
    return False


def _middle(low: float, high: float) -> flint.fmpq:
    return (flint.fmpq(*low.as_integer_ratio()) + flint.fmpq(*high.as_integer_ratio())) / 2
