"""Which security a file means: one its owner has, one that everybody knows, or a new one, if its owner says so."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q

from investments.entries import SecurityEntry
from investments.filters import entered_by, own_security_id
from investments.kinds import security_label
from investments.manual import SECURITY_TYPES
from investments.models import Holding, Security, Transaction
from investments.models.security import PUBLIC_SOURCES
from plaid_link.sources.csv import Instrument
from plaid_link.sources.csv.instruments import TICKER, guessed_type
from plaid_link.sources.csv.kinds import LEAVE_OUT

TYPES: Final = SECURITY_TYPES
KNOWN, NEW, ASKED, LEFT_OUT = "known", "new", "asked", "left_out"


@dataclass(frozen=True, slots=True)
class Meant:
    """What a name in the file stands for. `state`: known, new, asked (its owner has to say) or left_out."""

    key: str
    state: str
    label: str
    name: str = ""
    type: str = ""
    security_id: int | None = None
    entry: SecurityEntry | None = None

    def as_json(self) -> dict[str, Any]:
        """For the batch: what pages and API show, and what is needed to store a new one."""
        told = {name: getattr(self, name) for name in ("key", "state", "label", "name", "type", "security_id")}
        return told | {"entry": _entry_json(self.entry) if self.entry else None}


def _entry_json(entry: SecurityEntry) -> dict[str, Any]:
    """The fields that are told, as text."""
    return {name: str(value) for name, value in asdict(entry).items() if value not in (None, "", False)}


def entry_from_json(told: Mapping[str, str]) -> SecurityEntry:
    """The entry that `as_json` kept."""
    values: dict[str, Any] = dict(told)
    if "option_strike_price" in values:
        values["option_strike_price"] = Decimal(values["option_strike_price"])
    if "option_expiration_date" in values:
        values["option_expiration_date"] = date.fromisoformat(values["option_expiration_date"])
    return SecurityEntry(**values)


def resolve(
    *,
    owner_id: int,
    account_id: int | None,
    instruments: Iterable[Instrument],
    answers: Mapping[str, Any],
    currency: str,
    names_are_public: bool,
) -> dict[str, Meant]:
    """{key of the instrument: what it stands for}; three queries. `answers` are its owner's, by key.

    A name that somebody typed into a table of their own is nobody else's business: with `names_are_public` off, names
    stay out of new securities.
    """
    asked = {one.key: one for one in instruments}
    tickers = {key: _ticker(one, answers.get(key)) for key, one in asked.items()}
    known = _candidates(owner_id, asked.values(), tickers)
    rank = _rank(owner_id, account_id, known, currency)
    return {
        key: _meant(one, tickers[key], sorted(known, key=rank), answers.get(key), owner_id, currency, names_are_public)
        for key, one in asked.items()
    }


def _ticker(one: Instrument, answer: Any) -> str:
    return str(answer.get("symbol") or one.ticker).upper() if isinstance(answer, dict) else one.ticker


def _candidates(owner_id: int, asked: Iterable[Instrument], tickers: Mapping[str, str]) -> list[Security]:
    told = list(asked)
    named = Q(ticker_symbol__in=set(tickers.values()) - {""})
    for name in ("cusip", "isin"):
        named |= Q(**{f"{name}__in": {getattr(one, name) for one in told} - {""}})
    seen = Q(source__in=PUBLIC_SOURCES) | entered_by(owner_id)
    return list(Security.objects.filter(named, seen, same_as=None).order_by("pk"))


def _rank(owner_id: int, account_id: int | None, known: Iterable[Security], currency: str) -> Any:
    ids = [one.pk for one in known]
    held = Holding.objects.filter(owner_id=owner_id, security__in=ids).values_list("account_id", "security_id")
    traded = Transaction.objects.filter(owner_id=owner_id, security__in=ids).order_by()
    pairs = {*held, *traded.values_list("account_id", "security_id").distinct()}
    here = {security for account, security in pairs if account == account_id}
    owned = {security for _, security in pairs}

    def rank(one: Security) -> tuple[bool, bool, bool, int]:
        return one.pk not in here, one.pk not in owned, one.currency != currency, one.pk

    return rank


def _meant(
    one: Instrument,
    ticker: str,
    known: list[Security],
    answer: Any,
    owner_id: int,
    currency: str,
    names_are_public: bool,
) -> Meant:
    if answer == LEAVE_OUT:
        return Meant(one.key, LEFT_OUT, one.key, one.name)
    for security in known:
        if _is(security, one, ticker):
            return Meant(one.key, KNOWN, security_label(security), security.name, security.type, security.pk)
    entry = _new(one, ticker, answer, owner_id, currency, names_are_public)
    # A contract or a CUSIP describes itself; a ticker may be a slip of the pen.
    is_sure = bool(answer) or bool(one.option_type) or bool(one.cusip or one.isin)
    return Meant(one.key, NEW if is_sure else ASKED, ticker or one.key, one.name, entry.type, None, entry)


def _is(security: Security, one: Instrument, ticker: str) -> bool:
    for name in ("cusip", "isin"):
        mine, theirs = getattr(one, name), getattr(security, name)
        if mine and theirs:
            return bool(mine == theirs)
    return bool(ticker) and security.ticker_symbol == ticker


def _new(
    one: Instrument, ticker: str, answer: Any, owner_id: int, currency: str, names_are_public: bool
) -> SecurityEntry:
    told = answer if isinstance(answer, dict) else {}
    return SecurityEntry(
        external_id=own_security_id(owner_id, ticker or one.key),
        name=one.name if names_are_public or not (ticker or one.cusip or one.isin) else "",
        ticker_symbol=ticker if TICKER.fullmatch(ticker) or one.option_type else "",
        cusip=one.cusip,
        isin=one.isin,
        type=told.get("type") or guessed_type(one),
        iso_currency_code=currency if len(currency) == 3 else "USD",
        option_contract_type=one.option_type,
        option_strike_price=one.strike,
        option_expiration_date=one.expires,
        option_underlying_ticker=one.underlying,
    )
