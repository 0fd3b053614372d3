"""One Plaid item's answer, whole: every page, read, repaired, in the ledger's vocabulary."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from investments.entries import (
    AccountEntry,
    Finding,
    HoldingEntry,
    InstitutionEntry,
    SecurityEntry,
    TransactionEntry,
)
from plaid_link import limits
from plaid_link.health import GARBAGE_CODE
from plaid_link.sources.base import Snapshot, SourceError
from plaid_link.sources.plaid import pence, reading, repairs
from plaid_link.sources.plaid.reading import Answer
from portfolio_site.lib.ratelimit import Limit

if TYPE_CHECKING:
    from plaid_link.sources.plaid.official import PlaidClient

# A list that still moves after so many readings is asked for again later.
READINGS = 5


def _nobody(message: str, progress: float) -> None:
    """Nobody watches."""


def _at_once(limit: Limit) -> AbstractContextManager[None]:
    """Nobody counts."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class PlaidSource:
    """`options_in_shares`: option securities known from earlier answers to be counted in shares, not contracts.

    `report` is told before each call what is read and how far it is (0 to 1), so that a watcher sees it is alive.
    A call under a limit is made within `turn`, which is entered when it may be, or raises SourceError.
    """

    client: "PlaidClient"
    access_token: str = field(repr=False)
    options_in_shares: Collection[str] = ()
    report: Callable[[str, float], None] = _nobody
    turn: Callable[[Limit], AbstractContextManager[None]] = _at_once
    name: str = "plaid"

    def snapshot(self, *, start: date, end: date) -> Snapshot:
        """Holdings now and transactions from `start` to `end`. Raises SourceError."""
        self.report("Reading your holdings", 0.1)
        with self.turn(limits.HOLDINGS):
            held = self.client.holdings(self.access_token)
        pages, moved = self._transaction_pages(start=start, end=end)
        told = _snapshot(held, pages, start=start, end=end, options_in_shares=self.options_in_shares)
        return replace(told, findings=(*told.findings, *moved))

    def institution(self) -> InstitutionEntry:
        """Where the item is. Raises SourceError."""
        institution_id = self.client.item(self.access_token).get("institution_id")
        if not institution_id:
            return InstitutionEntry("unknown", "Your institution")
        return reading.institution(self.client.institution(institution_id))

    def accounts(self) -> list[AccountEntry]:
        """The investment accounts, their cash not known yet. Raises SourceError."""
        entries, _ = reading.read(
            _rows(self.client.accounts(self.access_token), "accounts"),
            reading.account,
            kind="account",
            id_field="account_id",
        )
        return [entry for entry in entries if entry.type in reading.INVESTMENT_TYPES]

    def _transaction_pages(self, *, start: date, end: date) -> tuple[list[Answer], list[Finding]]:
        """All pages of one unmoving list: where the total changes between two pages, rows shifted, so read anew."""
        for readings in range(1, READINGS + 1):
            pages = self._one_reading(start=start, end=end)
            if pages is not None:
                return pages, _moved(readings)
        raise SourceError("PRODUCT_NOT_READY")

    def _one_reading(self, *, start: date, end: date) -> list[Answer] | None:
        pages: list[Answer] = []
        received, total = 0, None
        while total is None or received < total:
            self.report("Reading your transactions", 0.2 + 0.6 * received / max(total or 0, received, 1))
            with self.turn(limits.TRANSACTIONS):
                page = self.client.transactions_page(self.access_token, start=start, end=end, offset=received)
            rows, page_total = _rows(page, "investment_transactions"), _total(page)
            if total not in (None, page_total) or (not rows and received < page_total):
                return None
            pages.append(page)
            received, total = received + len(rows), page_total
        return pages


def _moved(readings: int) -> list[Finding]:
    if readings == 1:
        return []
    message = f"The list of transactions moved while it was read: read {readings} times, until it stood still"
    return [Finding("repaired", message, field="total_investment_transactions")]


def _snapshot(
    held: Answer, pages: list[Answer], *, start: date, end: date, options_in_shares: Collection[str]
) -> Snapshot:
    answers = [held, *pages]
    accounts, ignored, account_findings = _accounts(answers)
    securities, security_findings = _securities(answers)
    holdings, holding_findings, unread = reading.sorted_out(
        _of_accounts(_rows(held, "holdings"), ignored), reading.holding, kind="holding", id_field="security_id"
    )
    transactions, listed, transaction_findings = _transactions(pages, ignored)
    accounts = [pence.account(entry) for entry in accounts]
    securities, holdings, transactions = _in_whole_currency(securities, holdings, transactions)
    in_shares = {*options_in_shares, *repairs.options_in_shares(securities, holdings, transactions)}
    per_100 = repairs.bonds_per_100(securities, holdings, transactions)
    for key, size in repairs.contract_sizes(securities, holdings, transactions).items():
        securities[key] = replace(securities[key], contract_size=size)
    holdings = [repairs.repaired_holding(entry, securities, in_shares, per_100) for entry in holdings]
    holdings = [repairs.with_value_remark(entry, securities, per_100) for entry in holdings]
    return Snapshot(
        start=start,
        end=end,
        accounts=tuple(repairs.with_cash(accounts, holdings, securities)),
        securities=tuple(
            repairs.quoted_per_100(entry) if entry.external_id in per_100 else entry for entry in securities.values()
        ),
        holdings=tuple(repairs.with_total_basis(holdings, securities)),
        unread_holdings=frozenset((_id(row, "account_id"), _id(row, "security_id")) for row in unread),
        transactions=tuple(
            repairs.with_remark(
                repairs.repaired_transaction(entry, securities, in_shares, per_100), securities, per_100
            )
            for entry in transactions
        ),
        listed=listed,
        findings=(*account_findings, *security_findings, *holding_findings, *transaction_findings),
        consent_expires_at=reading.moment(str((held.get("item") or {}).get("consent_expiration_time") or "")),
    )


def _in_whole_currency(
    securities: dict[str, SecurityEntry], holdings: list[HoldingEntry], transactions: list[TransactionEntry]
) -> tuple[dict[str, SecurityEntry], list[HoldingEntry], list[TransactionEntry]]:
    """All of them in pounds where they were told in pence."""
    priced_alone = pence.priced_alone(holdings, securities)
    return (
        {key: pence.security(entry, priced_alone.get(key, ())) for key, entry in securities.items()},
        [pence.holding(entry, securities) for entry in holdings],
        [pence.transaction(entry, securities) for entry in transactions],
    )


def _accounts(answers: list[Answer]) -> tuple[list[AccountEntry], set[Any], list[Finding]]:
    """The investment accounts, and the ids of the others that Plaid lists, whose rows are left out."""
    rows = {row.get("account_id"): row for answer in answers for row in _objects(answer, "accounts")}
    entries, findings = reading.read(rows.values(), reading.account, kind="account", id_field="account_id")
    ignored = {row_id for row_id, row in rows.items() if row.get("type") not in reading.INVESTMENT_TYPES}
    return [entry for entry in entries if entry.external_id not in ignored], ignored, findings


def _securities(answers: list[Answer]) -> tuple[dict[str, SecurityEntry], list[Finding]]:
    rows = {row.get("security_id"): row for answer in answers for row in _objects(answer, "securities")}
    entries, findings = reading.read(rows.values(), reading.security, kind="security", id_field="security_id")
    currencies = _currencies(answers)
    completed = [
        repairs.completed_security(entry, currencies, typed=bool(rows[entry.external_id].get("type")))
        for entry in entries
    ]
    findings += [finding for _, remarks in completed for finding in remarks]
    return {entry.external_id: entry for entry, _ in completed}, findings


def _currencies(answers: list[Answer]) -> dict[str, tuple[str, str]]:
    """The iso and unofficial currency that holdings and transactions tell, by security."""
    rows = [
        row
        for answer in answers
        for name in ("holdings", "investment_transactions")
        if name in answer
        for row in _objects(answer, name)
    ]
    told = {row.get("security_id"): (row.get("iso_currency_code"), row.get("unofficial_currency_code")) for row in rows}
    return {str(key): (str(iso or ""), str(other or "")) for key, (iso, other) in told.items() if iso or other}


def _transactions(
    pages: list[Answer], ignored: set[Any]
) -> tuple[list[TransactionEntry], frozenset[str] | None, list[Finding]]:
    """Each transaction once, the ids that are listed (None where one has none), and what was refused."""
    rows = [row for page in pages for row in _of_accounts(_rows(page, "investment_transactions"), ignored)]
    ids = [row.get("investment_transaction_id") if isinstance(row, dict) else None for row in rows]
    nameless = any(not isinstance(row_id, str) or not row_id for row_id in ids)
    once = {row_id if isinstance(row_id, str) else number: rows[number] for number, row_id in enumerate(ids)}
    entries, findings = reading.read(
        once.values(), reading.transaction, kind="transaction", id_field="investment_transaction_id"
    )
    return entries, None if nameless else frozenset(map(str, ids)), findings


def _of_accounts(rows: list[Any], ignored: set[Any]) -> list[Any]:
    return [row for row in rows if not (isinstance(row, dict) and row.get("account_id") in ignored)]


def _id(row: Any, name: str) -> str:
    told = row.get(name) if isinstance(row, dict) else None
    return told if isinstance(told, str) else ""


def _rows(answer: Answer, name: str) -> list[Any]:
    """A list without which the answer means nothing. Raises SourceError."""
    rows = answer.get(name)
    if not isinstance(rows, list):
        raise SourceError(GARBAGE_CODE)
    return rows


def _objects(answer: Answer, name: str) -> list[dict[str, Any]]:
    return [row for row in _rows(answer, name) if isinstance(row, dict)]


def _total(page: Answer) -> int:
    total = page.get("total_investment_transactions")
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise SourceError(GARBAGE_CODE)
    return total
