"""Scores of 0 to 10 for risk and for diversification: rules of this product, made of parts that are shown with them.

Each part is a figure on a scale between two ends, clipped, in points of ten; the score is their weighed mean. A part
that cannot be told is left out, and the rest counts for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from history.core.book import Floats

MOST: Final = 10.0


@dataclass(frozen=True, slots=True)
class ScorePart:
    """`figure` as it is, `points` of 0 to 10 that it earns, its `weight` in the score, and what it is in words."""

    name: str
    figure: float
    points: float
    weight: float
    words: str


@dataclass(frozen=True, slots=True)
class Score:
    """`value` 0 to 10, and `sentence` that says what drives it."""

    value: float
    parts: tuple[ScorePart, ...]
    sentence: str


def effective_number(weights: Floats) -> float | None:
    """1 / sum(w^2) of weights that add up to 1: of how many equal holdings it is as concentrated. None of none.

    Source: the inverse of the Herfindahl-Hirschman index; M. Laakso and R. Taagepera, Comparative Political Studies 12
    (1979).
    """
    total = float(np.abs(weights).sum())
    if total <= 0:
        return None
    shares = np.abs(weights) / total
    return float(1.0 / (shares**2).sum())


def risk_score(*, volatility: float | None, depth: float | None, weights: Floats) -> Score | None:
    """Volatility (0 to 40 % a year) half, the deepest drawdown (0 to -50 %) three tenths, the greatest holding (5 to
    50 % of value) two tenths. `weights` are of holdings and cash; cash is nobody's concentration.
    """
    greatest = float(np.abs(weights).max(initial=0.0)) if weights.size else None
    return _score(
        (
            _part("volatility", volatility, (0.0, 0.40), 0.5, "volatility of {:.0%} a year"),
            _part(
                "drawdown", None if depth is None else abs(depth), (0.0, 0.50), 0.3, "a fall of {:.0%} from its peak"
            ),
            _part("concentration", greatest, (0.05, 0.50), 0.2, "{:.0%} in the largest holding"),
        ),
        rising="Risk is mostly {}.",
        low="Risk is low: {} counts for most of it.",
    )


def diversification_score(
    *, weights: Floats, classes: Floats, sectors: Floats, average_correlation: float | None
) -> Score | None:
    """Effective holdings (1 to 20) four tenths; effective asset classes (1 to 4), effective sectors (1 to 8) and the
    average correlation of the holdings (1 down to 0) two tenths each. All weights count cash.
    """
    spread = None if average_correlation is None else 1.0 - average_correlation
    return _score(
        (
            _part(
                "holdings", effective_number(weights), (1.0, 20.0), 0.4, "holdings that weigh like {:.1f} equal ones"
            ),
            _part(
                "asset classes",
                effective_number(classes),
                (1.0, 4.0),
                0.2,
                "asset classes that weigh like {:.1f} equal ones",
            ),
            _part("sectors", effective_number(sectors), (1.0, 8.0), 0.2, "sectors that weigh like {:.1f} equal ones"),
            _part("correlation", spread, (0.0, 1.0), 0.2, "holdings that move {:.0%} apart"),
        ),
        rising="What helps most: {}.",
        low="What holds it back: {}.",
        weakest=True,
    )


def _part(name: str, figure: float | None, ends: tuple[float, float], weight: float, words: str) -> ScorePart | None:
    if figure is None:
        return None
    low, high = ends
    points = MOST * min(1.0, max(0.0, (figure - low) / (high - low)))
    return ScorePart(name, figure, points, weight, words.format(figure))


def _score(parts: Sequence[ScorePart | None], *, rising: str, low: str, weakest: bool = False) -> Score | None:
    known = tuple(part for part in parts if part is not None)
    weight = sum(part.weight for part in known)
    if not known:
        return None
    value = sum(part.points * part.weight for part in known) / weight
    return Score(value, known, _sentence(known, value, rising, low, weakest))


def _sentence(parts: tuple[ScorePart, ...], value: float, rising: str, low: str, weakest: bool) -> str:
    if weakest and value < MOST * 0.7:
        driver = max(parts, key=lambda part: (MOST - part.points) * part.weight)
        return low.format(driver.words)
    driver = max(parts, key=lambda part: part.points * part.weight)
    return (rising if weakest or value >= MOST * 0.3 else low).format(driver.words)
