"""What a source says, before it is in the ledger: the one vocabulary of every way in (Plaid, CSV, API, by hand).

Entries name accounts and securities by the source's own ids and carry numbers as they were told. `investments.ledger`
turns them into rows; a source that can say why it changed something puts that into `repairs`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a source's answer that an operator or the user should be able to see.

    `kind`: refused (a row left out), repaired, held_back or ignored. `row` and `field` say where.
    """

    kind: str
    message: str
    row: str = ""
    field: str = ""

    def as_json(self) -> dict[str, str]:
        """For a JSON column: empty parts left out."""
        parts = {"kind": self.kind, "row": self.row, "field": self.field, "message": self.message}
        return {name: text for name, text in parts.items() if text}


@dataclass(frozen=True, slots=True)
class InstitutionEntry:
    """A brokerage, bank or exchange."""

    external_id: str
    name: str
    url: str = ""
    primary_color: str = ""


@dataclass(frozen=True, slots=True)
class SecurityEntry:
    """A security under the source's own id. Empty text and None mean: not told."""

    external_id: str
    name: str = ""
    ticker_symbol: str = ""
    cusip: str = ""
    isin: str = ""
    sedol: str = ""
    type: str = "other"
    subtype: str = ""
    is_cash_equivalent: bool = False
    close_price: Decimal | None = None
    close_price_as_of: date | None = None
    iso_currency_code: str = ""
    unofficial_currency_code: str = ""
    market_identifier_code: str = ""
    sector: str = ""
    industry: str = ""
    cfi_code: str = ""
    institution_security_id: str = ""
    institution_external_id: str = ""
    proxy_external_id: str = ""
    option_contract_type: str = ""
    option_strike_price: Decimal | None = None
    option_expiration_date: date | None = None
    option_underlying_ticker: str = ""
    contract_size: Decimal | None = None
    fixed_income: dict[str, Any] | None = None

    @property
    def is_cash(self) -> bool:
        """A currency itself (`CUR:USD`), not a fund that counts as cash."""
        return self.type == "cash" and self.ticker_symbol.upper().startswith("CUR:")

    @property
    def is_option(self) -> bool:
        return self.type == "derivative" and bool(self.option_contract_type)


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """An account. `uninvested_cash` None: not known yet, what is stored stays."""

    external_id: str
    name: str
    official_name: str = ""
    mask: str = ""
    type: str = "investment"
    subtype: str = ""
    currency: str = "USD"
    balance_current: Decimal | None = None
    balance_available: Decimal | None = None
    balance_limit: Decimal | None = None
    margin_loan_amount: Decimal | None = None
    uninvested_cash: Decimal | None = None
    cash_source: str = "none"


@dataclass(frozen=True, slots=True)
class HoldingEntry:
    """Units of a security in an account: signed, options in contracts. `cost_basis` is of the whole position.

    `currency`: of its figures; empty: that of the security.
    """

    account_external_id: str
    security_external_id: str
    quantity: Decimal
    institution_price: Decimal
    institution_value: Decimal
    institution_price_as_of: date | None = None
    cost_basis: Decimal | None = None
    vested_quantity: Decimal | None = None
    vested_value: Decimal | None = None
    currency: str = ""
    source_metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TransactionEntry:
    """Something that happened. `amount` above zero: cash left the account, fees included."""

    external_id: str
    account_external_id: str
    type: str
    date: date
    amount: Decimal
    subtype: str = ""
    security_external_id: str = ""
    settles_on: date | None = None
    executed_at: datetime | None = None
    name: str = ""
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    fees: Decimal = ZERO
    currency: str = ""
    cancels_external_id: str = ""
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorporateActionEntry:
    """What a company does to its holders at the start of `ex_date`. `ratio`: units after for each unit before.

    Of a spin-off and a merger: units of the successor for each unit, worth `unit_value` together. `basis_fraction` goes
    to what is spun off. `cash_per_unit` of a split: what a unit is paid at where fractions are paid out; of a
    delisting: the last price. `voided`: it never happened, whoever tells it.
    """

    kind: str
    ex_date: date
    ratio: Decimal | None = None
    cash_per_unit: Decimal | None = None
    pay_date: date | None = None
    successor_id: int | None = None
    basis_fraction: Decimal | None = None
    unit_value: Decimal | None = None
    voided: bool = False
