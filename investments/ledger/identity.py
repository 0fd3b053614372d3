"""One security under several ids of its source: ids change, and what was held and done must not break off there.

Two descriptions are of one security when an identifier that names it everywhere is equal and none contradicts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q

from investments.entries import SecurityEntry
from investments.models import Security
from investments.models.security import PRIVATE_SOURCES

Described = Security | SecurityEntry
Key = tuple[Any, ...]


def known_as(source: str, entries: Collection[SecurityEntry]) -> dict[str, Security | str]:
    """For each new entry that is a security already known, that security, or the id of an earlier entry among these.

    One query, and none without entries. Entries that name nobody known are left out.
    """
    if not entries:
        return {}
    same: dict[str, Security | str] = {}
    index: dict[Key, list[tuple[Described, Security | str]]] = {}
    for row in _candidates(source, entries):
        _remember(index, row, row)
    for entry in sorted(entries, key=lambda entry: entry.external_id):
        found = _match(index, entry)
        if found is None:
            _remember(index, entry, entry.external_id)
        else:
            same[entry.external_id] = found
    return same


def _candidates(source: str, entries: Iterable[SecurityEntry]) -> Sequence[Security]:
    told = list(entries)
    ids = {entry.external_id for entry in told}
    meant = Q(proxy_external_id__in=ids) | Q(external_id__in={entry.proxy_external_id for entry in told} - {""})
    for name in ("cusip", "isin", "ticker_symbol"):
        meant |= Q(**{f"{name}__in": {getattr(entry, name) for entry in told} - {""}})
    contracts = {entry.option_underlying_ticker for entry in told if entry.option_contract_type} - {""}
    meant |= Q(option_underlying_ticker__in=contracts) & ~Q(option_contract_type="")
    known = Security.objects.filter(meant, _own(source, ids), source=source, same_as=None)
    return list(known.exclude(external_id__in=ids).order_by("pk"))


def _own(source: str, external_ids: Iterable[str]) -> Q:
    """What people enter is each one's own (`7:VTI`): nobody's goes on as somebody else's."""
    if source not in PRIVATE_SOURCES:
        return Q()
    owners = {external_id.partition(":")[0] for external_id in external_ids}
    return Q(*(Q(external_id__startswith=f"{owner}:") for owner in owners), _connector=Q.OR)


def _remember(index: dict[Key, list[tuple[Described, Security | str]]], one: Described, name: Security | str) -> None:
    for key in _keys(one):
        index.setdefault(key, []).append((one, name))


def _match(index: Mapping[Key, list[tuple[Described, Security | str]]], entry: SecurityEntry) -> Security | str | None:
    for key in _keys(entry):
        for other, name in index.get(key, []):
            if not _contradict(entry, other):
                return name
    return None


def _keys(one: Described) -> Iterator[Key]:
    """What names it, the surest first."""
    ticker, currency = one.ticker_symbol, one.iso_currency_code or one.unofficial_currency_code
    if one.cusip:
        yield "cusip", one.cusip
    if one.isin:
        yield "isin", one.isin
    if one.is_option and one.option_underlying_ticker:
        contract = one.option_contract_type, one.option_strike_price, one.option_expiration_date
        yield "option", one.option_underlying_ticker, *contract
    if ticker and one.market_identifier_code and not one.is_option:
        yield "listing", ticker, one.market_identifier_code, one.type, currency
    if ticker.upper().startswith("CUR:"):
        yield "currency", ticker, one.type
    yield from _proxy_keys(one)


def _proxy_keys(one: Described) -> Iterator[Key]:
    """A proxy may be a mere likeness (a trust and the fund it follows), so the name has to be the same too."""
    for external_id in filter(None, (one.external_id, one.proxy_external_id)):
        for label in filter(None, (one.ticker_symbol, one.name)):
            yield "proxy", external_id, label, one.type


def _contradict(one: Described, other: Described) -> bool:
    """Whether both tell an identifier and tell different ones: a ticker that went to another company."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("cusip", "isin"))
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)
