"""Tail probabilities and quantiles: normal, Student's t, chi-squared, beta, Poisson, negative binomial.

Sources: NIST Digital Library of Mathematical Functions, 8.17.22 (continued fraction of the incomplete beta function),
8.7.1 and 8.9.2 (series and continued fraction of the incomplete gamma function), evaluated by Lentz's method as in
Press et al., Numerical Recipes, 3rd ed., 6.2 and 6.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

TINY = 1e-300
STEPS = 2_000
CLOSE = 1e-15
NORMAL = NormalDist()


def normal_sf(z: float) -> float:
    """P(Z > z)."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def normal_two_sided(z: float) -> float:
    """P(|Z| > |z|)."""
    return math.erfc(abs(z) / math.sqrt(2))


def normal_ppf(p: float) -> float:
    """The value below which a standard normal lies with probability p."""
    return NORMAL.inv_cdf(min(max(p, 1e-300), 1 - 1e-16))


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(B ≤ x) of a beta distribution: the regularised incomplete beta function."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * beta_fraction(x, a, b) / a
    return 1 - front * beta_fraction(1 - x, b, a) / b


def beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of DLMF 8.17.22."""
    c, d = 1.0, 1 / or_tiny(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / or_tiny(1 + even * d), or_tiny(1 + even / c)
        found *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / or_tiny(1 + odd * d), or_tiny(1 + odd / c)
        found *= d * c
        if abs(d * c - 1) < CLOSE:
            break
    return found


def or_tiny(value: float) -> float:
    return value if abs(value) > TINY else TINY


def gamma_sf(a: float, x: float) -> float:
    """P(G > x) of a gamma distribution of shape a: the regularised upper incomplete gamma function."""
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, 20 * STEPS):
            term *= x / (a + n)
            total += term
            if term < total * CLOSE:
                break
        return 1 - front * total
    b = x + 1 - a
    c, d = 1 / TINY, 1 / or_tiny(b)
    found = d
    for n in range(1, 20 * STEPS):
        numerator = -n * (n - a)
        b += 2
        d, c = 1 / or_tiny(numerator * d + b), or_tiny(b + numerator / c)
        found *= d * c
        if abs(d * c - 1) < CLOSE:
            break
    return front * found


def chi2_sf(x: float, df: float) -> float:
    """P(χ² > x)."""
    return gamma_sf(df / 2, x / 2)


def t_two_sided(t: float, df: float) -> float:
    """P(|T| > |t|) of Student's t."""
    if math.isinf(t):
        return 0.0
    return beta_cdf(df / (df + t * t), df / 2, 0.5)


@lru_cache(maxsize=1024)
def t_ppf(p: float, df: float) -> float:
    """Student's t below which lies p: Newton's steps from the normal's quantile with its first correction (Abramowitz
    and Stegun 26.7.5), bisection where there are few degrees of freedom."""
    if p == 0.5:
        return 0.0
    side = 2 * min(p, 1 - p)
    z = normal_ppf(1 - side / 2)
    found = z + (z**3 + z) / (4 * df)
    if df < 3:
        found = bisected(lambda t: t_two_sided(t, df) - side, 0.0, 1e6)
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    for _ in range(6):
        density = scale * (1 + found * found / df) ** (-(df + 1) / 2)
        step = (t_two_sided(found, df) - side) / (2 * density)
        found += step
        if abs(step) < 1e-10 * found:
            break
    return found if p > 0.5 else -found


def bisected(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0."""
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def poisson_cdf(k: int, mean: float) -> float:
    """P(X ≤ k)."""
    if k < 0:
        return 0.0
    return gamma_sf(k + 1, mean) if mean > 0 else 1.0


def count_tails(k: int, mean: float, dispersion: float) -> tuple[float, float]:
    """P(X ≤ k) and P(X ≥ k) of counts with this mean whose variance is `dispersion` times it: Poisson where that is 1
    or less, else negative binomial (Cameron and Trivedi, Regression Analysis of Count Data, 3.3, NB1)."""
    mean = max(mean, 1e-9)
    if dispersion <= 1.0001:
        return poisson_cdf(k, mean), 1 - poisson_cdf(k - 1, mean)
    size, chance = mean / (dispersion - 1), 1 / dispersion

    def cdf(at: int) -> float:
        return beta_cdf(chance, size, at + 1) if at >= 0 else 0.0

    return cdf(k), 1 - cdf(k - 1)
