"""The normal distribution from + - * /, the square root and the functions of `portable` alone.

All functions take and return one float64, the same bits on every processor.
Quantile: Wichura, Applied Statistics 37 (1988), 477-484, algorithm AS 241, doi:10.2307/2347330.
Tail: Cody, Mathematics of Computation 23 (1969), 631-637, doi:10.1090/S0025-5718-1969-0247736-4.
"""

from __future__ import annotations

from math import inf, nan, sqrt

from sim.numerics.compilation import compiled
from sim.numerics.portable import exp, expm1, log, log1p

# Wichura's three ratios of polynomials, lowest power first: in 0.180625 - (p - 1/2)^2, and in
# sqrt(-log tail) less 1.6 and less 5.
CENTRAL_OVER = (
    3.3871328727963666080e0,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
CENTRAL_UNDER = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
TAIL_OVER = (
    1.42343711074968357734e0,
    4.63033784615654529590e0,
    5.76949722146069140550e0,
    3.64784832476320460504e0,
    1.27045825245236838258e0,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
TAIL_UNDER = (
    1.0,
    2.05319162663775882187e0,
    1.67638483018380384940e0,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
FAR_OVER = (
    6.65790464350110377720e0,
    5.46378491116411436990e0,
    1.78482653991729133580e0,
    2.96560571828504891230e-1,
    2.65321895265761230930e-2,
    1.24266094738807843860e-3,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
FAR_UNDER = (
    1.0,
    5.99832206555887937690e-1,
    1.36929880922735805310e-1,
    1.48753612908506148525e-2,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)
# Cody's, for the normal distribution itself: in x^2 near 0, in x, and in 1 / x^2 far out.
BODY_OVER = (
    18154.981253343561249,
    1067.6894854603709582,
    161.02823106855587881,
    2.2352520354606839287,
    0.065682337918207449113,
)
BODY_UNDER = (45507.789335026729956, 10260.932208618978205, 976.09855173777669322, 47.20258190468824187, 1.0)
MILLS_OVER = (
    9842.7148383839780218,
    11602.651437647350124,
    6848.1904505362823326,
    2494.5375852903726711,
    597.27027639480026226,
    93.506656132177855979,
    8.8831497943883759412,
    0.39894151208813466764,
    1.0765576773720192317e-8,
)
MILLS_UNDER = (
    19685.429676859990727,
    38912.003286093271411,
    34900.952721145977266,
    18615.571640885098091,
    6485.558298266760755,
    1519.377599407554805,
    235.38790178262499861,
    22.266688044328115691,
    1.0,
)
OUTER_OVER = (
    2.9112874951168792e-5,
    1.421619193227893466e-3,
    0.022235277870649807,
    0.1274011611602473639,
    0.21589853405795699,
    0.02307344176494017303,
)
OUTER_UNDER = (
    7.29751555083966205e-5,
    3.78239633202758244e-3,
    0.0659881378689285515,
    0.468238212480865118,
    1.28426009614491121,
    1.0,
)
PER_ROOT_2PI = 0.398942280401432677939946059934
NEAR, OUTER = 0.67448975, 5.656854249492380195206754896838
"""Where the normal distribution is computed from BODY, MILLS and OUTER: up to NEAR, OUTER, beyond."""


@compiled
def degree_seven(x: float, c: tuple[float, ...]) -> float:
    """c[0] + c[1] x + ... + c[7] x^7, in pairs, so that a processor can work on several at once."""
    y = x * x
    low = (c[0] + c[1] * x) + (c[2] + c[3] * x) * y
    high = (c[4] + c[5] * x) + (c[6] + c[7] * x) * y
    return low + high * (y * y)


@compiled
def normal_quantile(p: float) -> float:
    """The standard normal quantile; -inf at 0, inf at 1, nan outside."""
    q = p - 0.5
    if -0.425 <= q <= 0.425:
        return central_score(q)
    if not 0.0 < p < 1.0:
        return -inf if p == 0.0 else (inf if p == 1.0 else nan)
    if q < 0.0:
        return -tail_score(-log(p))
    return tail_score(-log1p(-p))


@compiled
def normal_score(hazard: float) -> float:
    """The z at which the standard normal has this cumulative hazard, -log(1 - cdf(z)); any hazard >= 0."""
    if hazard >= 2.5902671654458265:
        return tail_score(hazard)
    p = -expm1(-hazard)
    if p >= 0.075:
        return central_score(p - 0.5)
    return -tail_score(-log(p)) if p > 0.0 else -inf


@compiled
def central_score(q: float) -> float:
    """The quantile of 1/2 + q, for |q| at most 0.425."""
    r = 0.180625 - q * q
    return q * degree_seven(r, CENTRAL_OVER) / degree_seven(r, CENTRAL_UNDER)


@compiled
def tail_score(hazard: float) -> float:
    """The z whose tail is exp(-hazard), for a hazard of at least 2.59."""
    r = sqrt(hazard)
    if r <= 5.0:
        return degree_seven(r - 1.6, TAIL_OVER) / degree_seven(r - 1.6, TAIL_UNDER)
    if r <= 26.0:
        return degree_seven(r - 5.0, FAR_OVER) / degree_seven(r - 5.0, FAR_UNDER)
    if hazard == inf:
        return inf
    z = sqrt(2.0 * hazard)
    for _ in range(4):
        z -= (far_hazard(z) - hazard) / (z + 1.0 / z)
    return z


@compiled
def body(x: float) -> float:
    """cdf(x) - 1/2, for |x| at most NEAR."""
    y = x * x
    over = BODY_OVER[0] + y * (BODY_OVER[1] + y * (BODY_OVER[2] + y * (BODY_OVER[3] + y * BODY_OVER[4])))
    under = BODY_UNDER[0] + y * (BODY_UNDER[1] + y * (BODY_UNDER[2] + y * (BODY_UNDER[3] + y)))
    return x * over / under


@compiled
def mills(x: float) -> float:
    """The tail beyond x times exp(x^2 / 2), for x above NEAR."""
    if x <= OUTER:
        c, d = MILLS_OVER, MILLS_UNDER
        return (degree_seven(x, c) + c[8] * (x * x * x * x) * (x * x * x * x)) / (
            degree_seven(x, d) + (x * x * x * x) * (x * x * x * x)
        )
    y = 1.0 / (x * x)
    a, b = OUTER_OVER, OUTER_UNDER
    over = a[0] + y * (a[1] + y * (a[2] + y * (a[3] + y * (a[4] + y * a[5]))))
    under = b[0] + y * (b[1] + y * (b[2] + y * (b[3] + y * (b[4] + y))))
    return (PER_ROOT_2PI - y * over / under) / x


@compiled
def upper_tail(x: float) -> float:
    """1 - cdf(x) for x above NEAR: the square is taken in two parts, of which one is exact."""
    if x > 38.6:
        return 0.0
    coarse = float(int(x * 16.0)) / 16.0
    rest = (x - coarse) * (x + coarse)
    return exp(-0.5 * coarse * coarse) * exp(-0.5 * rest) * mills(x)


@compiled
def normal_tail(x: float) -> float:
    """1 - cdf(x) of the standard normal, accurate in the upper tail."""
    if x > NEAR:
        return upper_tail(x)
    if x < -NEAR:
        return 1.0 - upper_tail(-x)
    return 0.5 - body(x)


@compiled
def normal_cdf(x: float) -> float:
    """The standard normal distribution function, accurate in the lower tail."""
    return normal_tail(-x)


@compiled
def far_hazard(x: float) -> float:
    """-log(1 - cdf(x)) for x above NEAR."""
    return 0.5 * x * x - log(mills(x))


@compiled
def normal_hazard(x: float) -> float:
    """-log(1 - cdf(x)), accurate in both tails; inf only at inf."""
    if x > NEAR:
        return far_hazard(x) if x < inf else inf
    return -log1p(-normal_cdf(x))
