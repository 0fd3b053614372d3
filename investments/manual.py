"""Accounts and transactions by hand: what a person may say, and how it becomes an entry of the ledger."""

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Exists, Min, OuterRef

from investments import ledger
from investments.core.effects import TABLE, Direction, effect_of
from investments.entries import AccountEntry, InstitutionEntry, SecurityEntry, TransactionEntry
from investments.filters import entered_by, own_security_id, securities_known_to
from investments.ledger import Refused
from investments.models import Account, Holding, Security, Transaction
from portfolio_site.lib.money import is_currency
from portfolio_site.lib.sessions import today

ZERO = Decimal(0)
SOURCE = Security.Source.MANUAL
AT = InstitutionEntry("manual", "Manual")  # where all accounts are that nobody reports
TYPES = tuple(dict.fromkeys(kind for kind, _ in TABLE if kind != "cancel"))
TRADES = frozenset({"buy", "sell"})
# How an account that nobody reports is taxed: Plaid's subtypes, and what people call them.
ACCOUNT_KINDS = (("brokerage", "Brokerage"), ("ira", "Traditional IRA"), ("roth", "Roth IRA"), ("401k", "401(k)"),
                 ("hsa", "HSA"), ("crypto exchange", "Crypto"))  # fmt: skip
SECURITY_TYPES = ("equity", "etf", "mutual fund", "fixed income", "cryptocurrency", "other")


class UnknownSecurity(Refused):
    """Nothing is known under that ticker or name; its owner may enter it (`add_security`)."""


class KnownAlready(Exception):
    """The owner has entered a security under that ticker or name before: `security`."""

    def __init__(self, security: Security) -> None:
        super().__init__("You have entered this instrument already.")
        self.security = security


@dataclass(frozen=True, slots=True)
class Told:
    """What a person says happened. `amount` above zero: cash left the account; None: quantity x price and the fees."""

    account: Account
    type: str
    subtype: str
    date: date
    security: Security | None = None
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    amount: Decimal | None = None
    fees: Decimal = ZERO
    currency: str = ""
    name: str = ""
    settles_on: date | None = None

    @property
    def gross(self) -> Decimal:
        """What the units were worth, without fees."""
        multiplier = self.security.multiplier if self.security else Decimal(1)
        return abs(self.quantity) * self.price * multiplier


def open_account(*, owner_id: int, name: str, subtype: str, currency: str) -> Account:
    """A new account that its owner keeps by hand."""
    entry = AccountEntry(uuid.uuid4().hex, name, subtype=subtype, currency=currency)
    institution = ledger.upsert_institution(entry=AT)
    written = ledger.upsert_accounts(owner_id=owner_id, institution=institution, source=SOURCE, entries=[entry])
    return written.by_external_id[entry.external_id]


def add_security(
    *, owner_id: int, ticker: str, name: str, type: str, currency: str, cusip: str = "", isin: str = ""
) -> Security:
    """A security that its owner alone sees until somebody reports it. Raises Refused, KnownAlready."""
    key = ticker or name
    if not key:
        raise Refused("Give a ticker or a name", field="name")
    if not is_currency(currency):
        raise Refused(f"{currency[:20]!r} is not a currency", field="currency")
    external_id = own_security_id(owner_id, key)
    known = Security.objects.filter(entered_by(owner_id), external_id=external_id).first()
    if known is not None:
        raise KnownAlready(known)
    entry = SecurityEntry(
        external_id, name=name, ticker_symbol=ticker, type=type, iso_currency_code=currency, cusip=cusip, isin=isin
    )
    return ledger.upsert_securities(source=SOURCE, entries=[entry]).by_external_id[external_id]


def add_transaction(*, told: Told, external_id: str = "") -> Transaction:
    """Record what was told. Raises Refused, which names the field.

    The same `external_id` with the same content again changes nothing; with other content it raises StaleVersion.
    """
    _check(told)
    _check_existed(told)
    entry = _entry(told, external_id or str(uuid.uuid4()))
    return ledger.add_transaction(
        account=told.account, entry=entry, security=told.security, source=SOURCE, today=today()
    )


def correct_transaction(*, row: Transaction, version: int, told: Told) -> Transaction:
    """Supersede the row, which stays in its account. Raises Refused, StaleVersion."""
    _check(told, before=row)
    entry = _entry(told, row.external_id, executed_at=row.executed_at, cancels_external_id=row.cancels_external_id)
    return ledger.correct_transaction(row=row, version=version, entry=entry, security=told.security, today=today())


def find_security(*, owner: Any, text: str, currency: str) -> Security:
    """The security of that ticker, or of that name among those the owner has or had. Raises UnknownSecurity.

    Of several the one the owner has comes first, then one in the account's currency.
    """
    known = (
        securities_known_to(owner)
        .filter(same_as=None)
        .annotate(
            is_held=Exists(Holding.objects.for_user(owner).filter(security=OuterRef("pk"))),
            is_traded=Exists(Transaction.objects.for_user(owner).filter(security=OuterRef("pk"))),
        )
    )
    found = [*known.filter(ticker_symbol=text.strip().upper()), *known.filter(is_held=True, name__iexact=text.strip())]
    if not found:
        raise UnknownSecurity(f"Nothing is known under the name {text.strip()[:40]!r}", field="security")
    return min(found, key=lambda one: (not one.is_held, not one.is_traded, one.currency != currency, one.pk))


def _check(told: Told, before: Transaction | None = None) -> None:
    """Raises Refused for what no person can mean; numbers that do not fit and dates are the ledger's to refuse."""
    if (told.type, told.subtype) not in TABLE and (before is None or not _same_kind(told, before)):
        field = "subtype" if told.type in TYPES else "type"
        raise Refused(f"{told.subtype or told.type!r} is not a kind of transaction", field=field)
    if told.type in TRADES and told.security is None:
        raise Refused("Name what was traded", field="security")
    if told.type in TRADES and not told.quantity:
        raise Refused("A trade has a quantity other than zero", field="quantity")
    for field in ("price", "fees"):
        if getattr(told, field) < 0:
            raise Refused("Not below zero", field=field)
    if told.currency and not (is_currency(told.currency) or told.currency in _currencies(told, before)):
        raise Refused(f"{told.currency[:20]!r} is not a currency", field="currency")
    if before is None:
        _check_currency(told)
    _check_amount(told)


def _check_existed(told: Told) -> None:
    """Of an account that only its owner tells of, nothing is sold before its first day, unless it is sold short."""
    is_own = told.account.source in (Security.Source.MANUAL, Security.Source.CSV)
    if not is_own or told.type != "sell" or effect_of(told.type, told.subtype).short:
        return
    first = Transaction.objects.current().filter(account=told.account).aggregate(day=Min("date"))["day"]
    if first is not None and told.date < first:
        message = f"There is nothing in {told.account} before {first}: enter first what was bought until then"
        raise Refused(message, field="date")


def _check_currency(told: Told) -> None:
    """Figures of a security in another currency than its account's may be in either: nobody guesses which."""
    theirs, own = told.security.currency if told.security else "", told.account.currency
    is_open = not told.currency and told.security is not None and not told.security.is_cash
    if is_open and theirs != own:
        message = f"{told.security} is in {theirs} and the account in {own}: say which of them these figures are in"
        raise Refused(message, field="currency")


def _check_amount(told: Told) -> None:
    moves_units = bool(told.quantity) and effect_of(told.type, told.subtype).units is not Direction.NONE
    if told.amount is None and not moves_units:
        raise Refused("An amount is needed", field="amount")
    if told.amount is None and told.type in TRADES and not told.price:
        raise Refused("A price or an amount is needed", field="price")
    if told.amount == 0 and not moves_units:
        raise Refused("An amount other than zero is needed", field="amount")


def _same_kind(told: Told, before: Transaction) -> bool:
    return (told.type, told.subtype) == (before.type, before.subtype)


def _currencies(told: Told, before: Transaction | None) -> set[str]:
    """What is no ISO code may still be what the account is kept in: `BTC`."""
    names = {told.account.currency, before.currency if before else ""}
    return names | ({told.security.currency} if told.security else set())


def _entry(told: Told, external_id: str, **kept: Any) -> TransactionEntry:
    return TransactionEntry(
        external_id,
        account_external_id=str(told.account.pk),
        type=told.type,
        subtype=told.subtype,
        date=told.date,
        security_external_id=str(told.security.pk) if told.security else "",
        quantity=told.quantity,
        price=told.price,
        amount=_computed(told) if told.amount is None else told.amount,
        fees=told.fees,
        currency=told.currency or told.account.currency,
        name=told.name,
        settles_on=told.settles_on,
        **kept,
    )


def _computed(told: Told) -> Decimal:
    """What was paid, fees included; of units that come or go without cash, what they are worth."""
    cash = effect_of(told.type, told.subtype).cash
    return told.fees - told.gross if cash is Direction.IN else told.gross + told.fees
