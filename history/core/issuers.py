"""Whose paper it is: tickers go from one company to another, identifiers do not."""

from dataclasses import dataclass
from typing import Final

ISSUER_DIGITS: Final = 6  # of a CUSIP: a reverse split changes the last three only
NORTH_AMERICAN: Final = frozenset({"US", "CA"})  # their ISINs hold the CUSIP


@dataclass(frozen=True, slots=True)
class Paper:
    """What a source tells of a security besides its ticker. Empty text: not told."""

    cusip: str = ""
    isin: str = ""
    kind: str = ""
    name: str = ""

    @property
    def issuer(self) -> str:
        """The company, as far as CUSIP and ISIN tell; an ISIN from elsewhere names the security alone."""
        if self.cusip:
            return self.cusip[:ISSUER_DIGITS].upper()
        isin = self.isin.upper()
        return isin[2 : 2 + ISSUER_DIGITS] if isin[:2] in NORTH_AMERICAN else isin


def same_issuer(one: Paper, other: Paper) -> bool:
    """Whether identifiers say that it is one company; False where they say nothing."""
    return bool(one.issuer) and one.issuer == other.issuer


def contradict(one: Paper, other: Paper) -> bool:
    """Whether both cannot have one ticker: of two companies, or where identifiers are silent, a share and a fund.

    Names are no witness: a company that changes its ticker changes its name as well.
    """
    if one.issuer and other.issuer:
        return one.issuer != other.issuer
    return bool(one.kind and other.kind) and one.kind != other.kind and not _alike(one.name, other.name)


def _alike(one: str, other: str) -> bool:
    """Sources disagree about what a trust is: half of the words in common, and it is the same."""
    words, others = set(one.upper().split()), set(other.upper().split())
    return not words or not others or 2 * len(words & others) >= min(len(words), len(others))
