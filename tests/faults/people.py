"""People of a running deployment: they sign up, link, click; and what the database and the API say of each."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from plaid_link.sandbox.testing import PlaidServer
from portfolio_site.demo.client import Client
from portfolio_site.demo.journey import PASSWORD, sign_up
from tests.faults.deployment import Deployment

# What a person has, by table, without the ids that differ from link to link: two lives that went alike are equal.
BOOKS = {
    "accounts": """
        SELECT name, type, subtype, currency, balance_current, balance_available, balance_limit,
            margin_loan_amount, uninvested_cash, cash_source, sync_state, closed_at IS NULL AS open
        FROM investments_account WHERE owner_id = %(owner)s""",
    "holdings": """
        SELECT a.name, s.ticker_symbol, s.name, h.quantity, h.institution_price, h.institution_price_as_of,
            h.institution_value, h.cost_basis, h.market_price, h.market_value, h.priced_on, h.day_change,
            h.removed_at IS NULL AS held
        FROM investments_holding h JOIN investments_account a ON a.id = h.account_id
        JOIN investments_security s ON s.id = h.security_id WHERE h.owner_id = %(owner)s""",
    "transactions": """
        SELECT a.name, s.ticker_symbol, t.type, t.subtype, t.date, t.settles_on, t.name, t.quantity, t.price, t.amount,
            t.fees, t.currency, t.repairs, t.version, t.is_void, t.supersedes_id IS NULL AS first
        FROM investments_transaction t JOIN investments_account a ON a.id = t.account_id
        LEFT JOIN investments_security s ON s.id = t.security_id WHERE t.owner_id = %(owner)s""",
    "days": """
        SELECT a.name, d.day, d.value, d.cash, d.cost_basis, d.net_flow, d.income, d.fees, d.securities_count,
            d.quality, d.snapshot_type
        FROM history_accountday d JOIN investments_account a ON a.id = d.account_id WHERE d.owner_id = %(owner)s""",
    "anomalies": """
        SELECT a.name, s.ticker_symbol, n.kind, n.day, n.size
        FROM history_anomaly n JOIN investments_account a ON a.id = n.account_id
        LEFT JOIN investments_security s ON s.id = n.security_id WHERE n.owner_id = %(owner)s""",
}
COUNTED = "SELECT count(*)::text || ' ' || COALESCE(md5(string_agg(r::text, '|' ORDER BY r::text)), '') FROM ({}) r"
ANSWERS = (
    "/api/investments/accounts",
    "/api/investments/holdings",
    "/api/investments/transactions",
    "/api/portfolio/positions",
    "/api/portfolio/value",
    "/api/portfolio/history",
    "/api/portfolio/account-breakdown",
    "/api/portfolio/connection-status",
    "/api/portfolio/reconstruction",
)
PAGES = ("/", "/holdings/", "/transactions/", "/connections/")


@dataclass(slots=True)
class Person:
    """Somebody who is signed in twice: with a token for the API, and with a session for the pages."""

    deployment: Deployment
    email: str
    client: Client
    links: list[dict[str, Any]] = field(default_factory=list)

    @property
    def owner_id(self) -> int:
        return self.client.user_id

    @property
    def item_id(self) -> str:
        """Plaid's id of what was linked last."""
        return str(self.links[-1]["item_id"])

    def ask_to_link(self, username: str = "user_good", **how: Any) -> dict[str, Any]:
        """Go through Link; the first sync is queued. `how`: institution_id, or a custom user's JSON as `custom`."""
        token = self.plaid.public_token(username, **how)
        body = {"user_id": self.owner_id, "public_token": token}
        self.links.append(self.client.post("/api/plaid/investments/exchange_public_token", body))
        return self.links[-1]

    def link(self, username: str = "user_good", **how: Any) -> "Person":
        """The same, and wait for the sync and the history behind it."""
        self.client.wait_for_job(self.ask_to_link(username, **how)["job_id"])
        self.wait_for_history()
        return self

    @property
    def plaid(self) -> PlaidServer:
        return self.deployment.plaid

    def refresh(self) -> httpx.Response:
        """The contract's refresh of what was linked last, over its default window."""
        body = {"user_id": self.owner_id, "item_id": self.item_id}
        return self.client.http.post(f"{self.client.web}/api/plaid/investments/refresh", json=body, timeout=60)

    def press(self, button: str, **fields: str) -> httpx.Response:
        """A button on the card of what was linked last: `refresh` or `disconnect`."""
        http, page = self.client.http, f"{self.client.web}/connections/"
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', http.get(page).text)
        assert token is not None, "the connections page has no form"
        number = self.item()["id"]
        given = {"csrfmiddlewaretoken": token[1], **fields}
        return http.post(f"{page}{number}/{button}/", data=given, headers={"Referer": page})

    def item(self) -> dict[str, Any]:
        """The row of what was linked last, {} when it is gone."""
        found = self.deployment.rows("SELECT * FROM plaid_link_item WHERE item_id = %(i)s", i=self.item_id)
        return found[0] if found else {}

    def shown(self) -> dict[str, Any]:
        """What the API tells its owner of that item."""
        items = self.client.get("/api/portfolio/connection-status")["items"]
        return next(item for item in items if item["item_id"] == self.item_id)

    def syncs(self) -> list[str]:
        """How each sync of that item ended, oldest first."""
        found = self.deployment.rows(
            "SELECT state FROM plaid_link_syncrun r JOIN plaid_link_item i ON i.id = r.item_id "
            "WHERE i.item_id = %(i)s ORDER BY r.id",
            i=self.item_id,
        )
        return [row["state"] for row in found]

    def books(self, *tables: str) -> dict[str, str]:
        """Number of rows and checksum of each table of BOOKS, or of those named."""
        return {
            table: self.deployment.value(COUNTED.format(BOOKS[table]), owner=self.owner_id) for table in tables or BOOKS
        }

    def count(self, table: str) -> int:
        """The number of rows this person has in a table of BOOKS."""
        return int(self.books(table)[table].split()[0])

    def wait_for_history(self) -> None:
        """Until every account's history has caught up with its ledger."""
        behind = (
            "SELECT count(*) FROM investments_account a LEFT JOIN history_accounthistory h ON h.account_id = a.id "
            "WHERE a.owner_id = %(o)s AND (h.state IS DISTINCT FROM 'ready' OR h.processed_version < a.ledger_version)"
        )
        self.deployment.until(
            lambda: self.deployment.value(behind, o=self.owner_id) == 0, f"the history of {self.email}"
        )

    def everything_shown(self) -> Iterator[str]:
        """All that the API and the pages show this person."""
        for path in ANSWERS:
            yield self.client.http.get(f"{self.client.web}{path}").text
        for path in PAGES:
            yield self.client.http.get(f"{self.client.web}{path}").text


def newcomer(deployment: Deployment, name: str = "somebody") -> Person:
    """A new user, through the sign-up form and the first step of onboarding."""
    email = f"{name}-{secrets.token_hex(4)}@example.com"
    client = Client(web=deployment.addresses.web, plaid=deployment.addresses.plaid)
    sign_up(client, email)
    client.sign_in(email, PASSWORD)
    person = Person(deployment, email, client)
    deployment.people.append(person)
    return person
