"""The institutions that can be linked here."""

from dataclasses import dataclass
from typing import Any, Final

PRODUCTS: Final = ("assets", "balance", "identity", "investments", "transactions")
LAST_CHANGE: Final = "2026-01-05T09:00:00Z"


@dataclass(frozen=True, slots=True)
class InstitutionRecord:
    institution_id: str
    name: str
    url: str
    primary_color: str
    oauth: bool = True
    products: tuple[str, ...] = PRODUCTS

    def shown(self, *, optional_metadata: bool, status: bool = False) -> dict[str, Any]:
        """Plaid's institution object."""
        body: dict[str, Any] = {
            "institution_id": self.institution_id,
            "name": self.name,
            "products": list(self.products),
            "country_codes": ["US"],
            "routing_numbers": [],
            "dtc_numbers": [],
            "oauth": self.oauth,
            "connection_availability": "SUPPORTED",
        }
        if optional_metadata:
            body |= {"url": self.url, "primary_color": self.primary_color, "logo": None}
        if status:
            body["status"] = {"item_logins": _HEALTHY, "investments": _HEALTHY, "investments_updates": _UPDATING}
        return body


_BREAKDOWN: Final = {"success": 0.97, "error_plaid": 0.01, "error_institution": 0.02}
_HEALTHY: Final = {"status": "HEALTHY", "last_status_change": LAST_CHANGE, "breakdown": _BREAKDOWN}
_UPDATING: Final = {**_HEALTHY, "breakdown": {**_BREAKDOWN, "refresh_interval": "NORMAL"}}

INSTITUTIONS: Final[dict[str, InstitutionRecord]] = {
    record.institution_id: record
    for record in (
        InstitutionRecord("ins_12", "Fidelity", "https://www.fidelity.com", "#368727"),
        InstitutionRecord("ins_11", "Charles Schwab", "https://www.schwab.com", "#00a0df"),
        InstitutionRecord("ins_115616", "Vanguard", "https://www.vanguard.com", "#c20029"),
        InstitutionRecord("ins_54", "Robinhood", "https://robinhood.com", "#00c805"),
        InstitutionRecord("ins_116530", "E*TRADE from Morgan Stanley", "https://us.etrade.com", "#5627d8"),
        InstitutionRecord("ins_116794", "Interactive Brokers", "https://www.interactivebrokers.com", "#d81222", False),
        InstitutionRecord("ins_128026", "Coinbase", "https://www.coinbase.com", "#0052ff"),
        InstitutionRecord("ins_109508", "First Platypus Bank", "https://plaid.com", "#1f1f1f", False),
        InstitutionRecord(
            "ins_109511", "Tattersall Federal Credit Union", "https://plaid.com", "#395a3f", False, ("auth", "balance")
        ),
    )
}


def matching(query: str) -> list[InstitutionRecord]:
    """Institutions with a word of their name that begins with `query`, ten at most."""
    wanted = query.strip().lower()
    return [record for record in INSTITUTIONS.values() if f" {wanted}" in f" {record.name.lower()}"][:10]
