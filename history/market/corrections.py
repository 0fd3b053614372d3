"""What operators put right in prices and corporate actions: applied through store and ledger, and written down.

Providers never overwrite it. Exactly the accounts concerned are marked to be rebuilt.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from django.db import connection, transaction

from history.invalidation import HOLDERS, securities_changed, symbols_changed
from history.market.closes import latest_closes
from history.market.correction_lines import CONTRACT_SIZE, PRICE, VOID, BadCorrection, Line, read_lines
from history.market.renames import NameTaken, announce
from history.market.told_actions import ask_again
from history.models import Correction, MarketSymbol, Price, SecurityMapping, SymbolAction
from investments import ledger
from investments.entries import CorporateActionEntry
from investments.models import Account, CorporateAction

OPERATOR: Final = "operator"
TOLD: Final = frozenset(SymbolAction.Kind.values) - {"spin_off"}
SET_PRICE: Final = """
INSERT INTO history_price (symbol_id, day, close, source) VALUES (%s, %s, %s, 'operator')
ON CONFLICT (symbol_id, day) DO UPDATE
SET close = excluded.close, source = 'operator', open = NULL, high = NULL, low = NULL, adj_close = NULL
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What one line does, to a symbol or, of what has none, to a security. Empty `before`: there was nothing."""

    line: Line
    before: str
    after: str
    symbol_id: int | None = None
    security_id: int | None = None


@dataclass(slots=True)
class Corrected:
    """The changes in the order of the lines, and the accounts that they concern."""

    changes: list[Change] = field(default_factory=list)
    account_ids: set[int] = field(default_factory=set)

    def accounts(self) -> list[Account]:
        """The accounts concerned, by owner; as an operator, who sees every owner's."""
        found = Account.objects.filter(pk__in=self.account_ids).select_related("owner")
        return list(found.order_by("owner_id", "name", "pk"))


def preview(*, text: str) -> Corrected:
    """What the lines would do: they are applied and taken back. Raises BadCorrection."""
    with transaction.atomic():
        corrected = _apply(read_lines(text))
        transaction.set_rollback(True)
    return corrected


def correct(*, text: str, reason: str, operator: str) -> Corrected:
    """Apply all lines or none, and write down each with its before and after. Raises BadCorrection."""
    if not reason.strip():
        raise BadCorrection("A reason is needed: it is what the next operator reads")
    with transaction.atomic():
        corrected = _apply(read_lines(text))
        Correction.objects.bulk_create(
            Correction(
                operator=operator,
                reason=reason.strip(),
                kind=change.line.kind,
                symbol_id=change.symbol_id,
                security_id=change.security_id,
                day=change.line.day,
                before=change.before,
                after=change.after,
                accounts=len(corrected.account_ids),
            )
            for change in corrected.changes
        )
    return corrected


def _apply(lines: Iterable[Line]) -> Corrected:
    corrected = Corrected()
    for line in lines:
        if line.kind == CONTRACT_SIZE:
            corrected.changes.append(_size_contracts(line, corrected))
            continue
        symbol = _symbol(line, line.symbol)
        before, after = _APPLY.get(line.kind, _act)(line, symbol, corrected)
        corrected.changes.append(Change(line, before, after, symbol_id=symbol.pk))
    return corrected


def _size_contracts(line: Line, corrected: Corrected) -> Change:
    """A contract has one size for good, so every day of whoever held it follows."""
    options = ledger.options_named(line.symbol)
    if not options or line.size is None:
        raise BadCorrection(f"Line {line.number}, symbol: there is no option {line.symbol!r}")
    before = options[0].multiplier
    corrected.account_ids |= ledger.set_contract_size(securities=options, size=line.size)
    return Change(line, f"{before.normalize():f}", f"{line.size:f} (operator)", security_id=options[0].pk)


def _symbol(line: Line, name: str) -> MarketSymbol:
    found = list(MarketSymbol.objects.filter(symbol=name).order_by("exchange")[:2])
    if not found:
        raise BadCorrection(f"Line {line.number}, symbol: there is no {name!r}")
    if len(found) > 1 and found[0].exchange:
        raise BadCorrection(f"Line {line.number}, symbol: {name!r} is listed at several exchanges")
    return found[0]


def _securities(symbol: MarketSymbol) -> list[int]:
    return list(SecurityMapping.objects.filter(symbol=symbol).order_by("pk").values_list("security_id", flat=True))


def _concern(symbol: MarketSymbol, since: date, corrected: Corrected) -> None:
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS, {"securities": _securities(symbol), "moved": since})
        corrected.account_ids |= {row[0] for row in cursor.fetchall()}


def _price(line: Line, symbol: MarketSymbol, corrected: Corrected) -> tuple[str, str]:
    if not line.cash:
        raise BadCorrection(f"Line {line.number}, close: it has to be above zero; see delisting for what is worthless")
    known = Price.objects.filter(symbol=symbol, day=line.day).first()
    with connection.cursor() as cursor:
        cursor.execute(SET_PRICE, [symbol.pk, line.day, line.cash])
    symbols_changed([symbol.pk], line.day)
    _concern(symbol, line.day, corrected)
    return _told_price(known), f"{line.cash:f} (operator)"


def _told_price(price: Price | None) -> str:
    return f"{price.close.normalize():f} ({price.source})" if price else ""


def _act(line: Line, symbol: MarketSymbol, corrected: Corrected) -> tuple[str, str]:
    """Write an action for every security mapped to the symbol, and for those that will be."""
    successor = _successor(line)
    entry = CorporateActionEntry(
        line.kind,
        line.day,
        ratio=line.ratio,
        cash_per_unit=line.cash,
        successor_id=successor,
        basis_fraction=line.fraction,
        unit_value=_unit_value(line, successor),
    )
    if line.kind == "stock_dividend" and (line.ratio or 0) <= 1:
        raise BadCorrection(f"Line {line.number}, ratio: units after for each before, as 1.05 for a dividend of 5 %")
    return _write(line, symbol, entry, corrected)


def _successor(line: Line) -> int | None:
    if not line.successor or line.kind == "symbol_change":
        return None
    securities = _securities(_symbol(line, line.successor))
    if not securities:
        raise BadCorrection(f"Line {line.number}, successor: nobody has a security priced by {line.successor!r}")
    return securities[0]


def _unit_value(line: Line, successor: int | None) -> Decimal | None:
    """What comes of the successor for each unit is worth: told, or by the successor's close of the day.

    Where shares and cash are paid, the gain that counts cannot be reckoned without it.
    """
    if line.value is not None or line.kind != "merger" or successor is None or not line.cash:
        return line.value
    symbol = _symbol(line, line.successor)
    known = latest_closes(symbol_ids=[symbol.pk], on=line.day).get(symbol.pk)
    if known is None:
        raise BadCorrection(f"Line {line.number}, value: {symbol} has no close by {line.day}, so it has to be told")
    return known[1] * (line.ratio or 1)


def _void(line: Line, symbol: MarketSymbol, corrected: Corrected) -> tuple[str, str]:
    known = CorporateAction.objects.filter(
        security__in=_securities(symbol), kind=line.action, ex_date=line.day, voided_at=None
    ).first()
    if known is None:
        raise BadCorrection(f"Line {line.number}, action: {symbol} has no {line.action!r} on {line.day} to void")
    entry = CorporateActionEntry(
        known.kind,
        known.ex_date,
        ratio=known.ratio,
        cash_per_unit=known.cash_per_unit,
        pay_date=known.pay_date,
        successor_id=known.successor_id,
        basis_fraction=known.basis_fraction,
        unit_value=known.unit_value,
        voided=True,
    )
    return _write(line, symbol, entry, corrected)


def _write(line: Line, symbol: MarketSymbol, entry: CorporateActionEntry, corrected: Corrected) -> tuple[str, str]:
    securities = _securities(symbol)
    known = CorporateAction.objects.filter(security__in=securities, kind=entry.kind, ex_date=entry.ex_date).first()
    before = _told_action(known)
    if entry.kind == "split":
        ask_again(symbol_ids=[symbol.pk], since=[entry.ex_date])
    if entry.kind in TOLD:
        SymbolAction.objects.update_or_create(
            symbol=symbol,
            kind=entry.kind,
            ex_date=entry.ex_date,
            defaults={
                "ratio": entry.ratio,
                "cash_per_unit": entry.cash_per_unit,
                "source": OPERATOR,
                "voided": entry.voided,
            },
        )
    written = ledger.record_corporate_actions(security_ids=securities, actions=[entry], source=OPERATOR)
    if written.inserted or written.changed:
        securities_changed(securities, line.day)
    _concern(symbol, date.min, corrected)
    figures = [f"{figure:f}" for figure in (entry.ratio, entry.cash_per_unit) if figure is not None]
    return before, " ".join([entry.kind, *figures, "void" if entry.voided else "(operator)"])


def _told_action(action: CorporateAction | None) -> str:
    if action is None:
        return ""
    figures = [f"{figure.normalize():f}" for figure in (action.ratio, action.cash_per_unit) if figure is not None]
    return " ".join([action.kind, *figures, "void" if action.voided_at else f"({action.source})"])


def _delist(line: Line, symbol: MarketSymbol, corrected: Corrected) -> tuple[str, str]:
    """The last price is carried from then on, or the price given; zero for what is worthless."""
    before, after = _act(line, symbol, corrected)
    if line.cash is not None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM history_price WHERE symbol_id = %s AND day > %s", [symbol.pk, line.day])
            cursor.execute(SET_PRICE, [symbol.pk, line.day, line.cash])
    MarketSymbol.objects.filter(pk=symbol.pk).update(active=False, delisted_on=line.day)
    symbols_changed([symbol.pk], line.day)
    return before, after


def _rename(line: Line, symbol: MarketSymbol, corrected: Corrected) -> tuple[str, str]:
    """One symbol under its new name, with the prices that were known under either."""
    try:
        announce(symbol=symbol, name=line.successor, day=line.day, source=OPERATOR)
    except NameTaken as error:
        raise BadCorrection(f"Line {line.number}, successor: {error}") from None
    _concern(symbol, date.min, corrected)
    return line.symbol, line.successor


_APPLY: Final[dict[str, Callable[[Line, MarketSymbol, Corrected], tuple[str, str]]]] = {
    PRICE: _price,
    VOID: _void,
    "delisting": _delist,
    "symbol_change": _rename,
}
