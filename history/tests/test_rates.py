"""Exchange rates: fetched once, crossed over the dollar, carried forward; what nobody converts is said."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from history.market.fx import rate_matrix, rate_sql
from history.market.rates import currencies_in_use, ensure_rates, update_rates
from history.models import AccountDay, AccountHistory, Anomaly, CurrencyRange, FxRate, MarketSymbol
from history.providers import DataProviderChain
from history.providers.base import Answerless, Pair, ProviderError, Rate
from history.reconstruction.rebuild import rebuild_accounts
from history.series import Period, totals
from history.valuation import account_worths, market_today, total_worth
from investments import ledger
from investments.entries import AccountEntry, HoldingEntry, InstitutionEntry, SecurityEntry
from investments.models import Account

pytestmark = pytest.mark.django_db
D = Decimal
MONDAY, FRIDAY = date(2026, 11, 16), date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 15, tzinfo=UTC)


@dataclass
class Quoted(Answerless):
    """Quotes on weekdays, up to `until`, for the currencies that it knows."""

    rates: Mapping[str, str]
    name: str = "quoted"
    until: date = date.max
    asked: list[tuple[Pair, date, date]] = field(default_factory=list)

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]:
        self.asked += [(pair, start, end) for pair in pairs]
        days = [start + timedelta(number) for number in range((end - start).days + 1)]
        return {
            pair: [Rate(day, D(self.rates[pair[0]])) for day in days if day.weekday() < 5 and day <= self.until]
            for pair in pairs
            if pair[0] in self.rates
        }


class Down(Answerless):
    name = "down"

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]:
        raise ProviderError("no route")


def chain(*providers: Any) -> DataProviderChain:
    return DataProviderChain(providers)


def rate(source: str, target: str, day: date) -> Decimal | None:
    with connection.cursor() as cursor:
        sql = rate_sql(source="%(s)s::text", target="%(t)s::text", day="%(d)s::date")
        cursor.execute(f"SELECT {sql}", {"s": source, "t": target, "d": day})
        found: Decimal | None = cursor.fetchone()[0]
        return found


def test_each_day_is_asked_for_once() -> None:
    provider = Quoted({"EUR": "1.10"})
    assert ensure_rates(currencies=["EUR", "USD"], start=MONDAY, end=FRIDAY, chain=chain(provider)).stored == 5
    assert ensure_rates(currencies=["EUR"], start=MONDAY, end=FRIDAY, chain=chain(provider)).stored == 0
    ensure_rates(currencies=["EUR"], start=MONDAY - timedelta(7), end=FRIDAY + timedelta(4), chain=chain(provider))
    assert provider.asked == [
        (("EUR", "USD"), MONDAY, FRIDAY),
        (("EUR", "USD"), MONDAY - timedelta(7), MONDAY - timedelta(1)),
        (("EUR", "USD"), FRIDAY + timedelta(1), FRIDAY + timedelta(4)),
    ]


def test_a_provider_that_is_down_is_asked_again() -> None:
    assert ensure_rates(currencies=["EUR"], start=MONDAY, end=FRIDAY, chain=chain(Down())).failed == ("EUR",)
    assert not CurrencyRange.objects.exists()
    later = ensure_rates(currencies=["EUR"], start=MONDAY, end=FRIDAY, chain=chain(Down(), Quoted({"EUR": "1.1"})))
    assert later.stored == 5


def asked_in_turn(provider: Quoted, hours: Sequence[float], *, currency: str = "EUR") -> list[tuple[date, date]]:
    """What the provider was asked when the week was wanted so many hours after NOW."""
    for after in hours:
        moment = NOW + timedelta(hours=after)
        ensure_rates(currencies=[currency], start=MONDAY, end=FRIDAY, chain=chain(provider), now=moment)
    return [(start, end) for _, start, end in provider.asked]


def test_an_unknown_currency_is_named_and_asked_again_as_a_whole_a_day_later() -> None:
    provider = Quoted({})
    unknown = ensure_rates(currencies=["XAF"], start=MONDAY, end=FRIDAY, chain=chain(provider), now=NOW).unknown
    assert unknown == ("XAF",)
    assert asked_in_turn(provider, [0.5], currency="XAF") == [(MONDAY, FRIDAY)]
    provider.rates = {"XAF": "0.0017"}
    assert asked_in_turn(provider, [25, 26], currency="XAF") == [(MONDAY, FRIDAY)] * 2
    assert FxRate.objects.filter(base="XAF").count() == 5


def test_rates_that_come_late_are_not_lost() -> None:
    provider = Quoted({"EUR": "1.1"}, until=FRIDAY - timedelta(2))
    assert asked_in_turn(provider, [0, 0.5]) == [(MONDAY, FRIDAY)]
    provider.until = date.max
    assert asked_in_turn(provider, [1, 2, 30])[1:] == [(FRIDAY - timedelta(1), FRIDAY)]
    assert FxRate.objects.count() == 5


def test_a_weekend_is_not_asked_for() -> None:
    provider = Quoted({"EUR": "1.1"})
    for end in (FRIDAY, FRIDAY + timedelta(1), FRIDAY + timedelta(2)):
        moment = NOW + timedelta(days=(end - FRIDAY).days)
        ensure_rates(currencies=["EUR"], start=MONDAY, end=end, chain=chain(provider), now=moment)
    assert len(provider.asked) == 1


def test_rates_that_cannot_be_true_are_not_stored() -> None:
    class Garbage(Answerless):
        name = "garbage"

        def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]:
            told = ["1.1", "1.1", "NaN", "1100", "1.2", "-1", "1.1"]
            return {pairs[0]: [Rate(start + timedelta(at), D(text)) for at, text in enumerate(told)]}

    ensure_rates(currencies=["EUR"], start=MONDAY, end=MONDAY + timedelta(6), chain=chain(Garbage()))
    assert list(FxRate.objects.order_by("day").values_list("day__day", "rate")) == [
        (16, D("1.1")), (17, D("1.1")), (20, D("1.2")), (22, D("1.1")),
    ]  # fmt: skip


def test_other_pairs_are_crossed_inverted_and_carried_forward() -> None:
    provider = Quoted({"EUR": "1.10", "GBP": "1.32"})
    ensure_rates(currencies=["EUR", "GBP"], start=MONDAY, end=FRIDAY, chain=chain(provider))
    saturday = FRIDAY + timedelta(1)
    assert rate("EUR", "USD", saturday) == D("1.10")
    assert round(rate("USD", "EUR", saturday) or 0, 12) == round(1 / D("1.10"), 12)
    assert round(rate("GBP", "EUR", saturday) or 0, 12) == D("1.2")
    assert rate("EUR", "EUR", saturday) == 1
    assert rate("EUR", "GBP", MONDAY - timedelta(1)) is None
    assert rate("XAF", "EUR", saturday) is None


def test_the_matrix_is_carried_forward_and_never_backward() -> None:
    provider = Quoted({"EUR": "1.10", "GBP": "1.32"})
    ensure_rates(currencies=["EUR", "GBP"], start=MONDAY, end=FRIDAY, chain=chain(provider))
    matrix = rate_matrix(["GBP", "XAF", "EUR"], "EUR", MONDAY - timedelta(1), FRIDAY + timedelta(1))
    assert np.isnan(matrix[:, 1]).all()
    assert np.isnan(matrix[0, 0])
    assert matrix[1:, 0].round(12).tolist() == [1.2] * 6
    assert matrix[:, 2].tolist() == [1.0] * 7


def foreign(owner: Any, currency: str, security_currency: str) -> Account:
    held_at = ledger.upsert_institution(entry=InstitutionEntry("ins-fx", "Foreign Bank"))
    entries = [AccountEntry("abroad", "Abroad", currency=currency)]
    accounts = ledger.upsert_accounts(owner_id=owner.pk, institution=held_at, source="plaid", entries=entries)
    security = SecurityEntry("sec-abroad", name="Abroad", type="other", iso_currency_code=security_currency)
    securities = ledger.upsert_securities(source="plaid", entries=[security]).by_external_id
    holding = HoldingEntry("abroad", "sec-abroad", D(10), D(20), D(200), institution_price_as_of=FRIDAY)
    named: dict[str, Any] = {"accounts": dict(accounts.by_external_id), "securities": dict(securities)}
    ledger.replace_holdings(entries=[holding], now=NOW, source="plaid", **named)
    return dict(accounts.by_external_id)["abroad"]


@pytest.mark.django_db(transaction=True)
def test_a_currency_that_nobody_converts_counts_as_nothing_and_everybody_says_so(owner: Any) -> None:
    account = foreign(owner, "USD", "XAF")
    assert rebuild_accounts(account_ids=[account.pk], now=NOW).failed == ()
    unknown = Anomaly.objects.exclude(kind="unmapped").get(account=account)
    today = market_today(NOW)
    assert (unknown.kind, unknown.size, unknown.day) == ("unconverted", 10, today - timedelta(settings.HISTORY_DAYS))
    days = AccountDay.objects.filter(account=account)
    assert set(days.values_list("value", "quality")) == {(0, 0.0)}
    worth = total_worth(account_worths(account_ids=[account.pk], now=NOW))
    series = totals(account_ids=[account.pk], period=Period(MONDAY, today))
    assert (worth.value, worth.missing_rates) == (0, ("XAF",))
    assert (series["value"][-1], series["quality"][-1], series["missing_rates"]) == ("0.00", 0, ["XAF"])

    FxRate.objects.create(base="XAF", quote="USD", day=MONDAY, rate=D("0.5"), source="operator")
    AccountHistory.objects.update(processed_version=-1)
    rebuild_accounts(account_ids=[account.pk], now=NOW)
    assert set(days.filter(day__lt=MONDAY).values_list("value", "quality")) == {(0, 0.0)}
    assert set(days.filter(day__gte=MONDAY).values_list("value", flat=True)) == {100}
    assert days.get(day=FRIDAY).quality == 1
    assert Anomaly.objects.get(account=account, kind="unconverted").day == unknown.day
    assert totals(account_ids=[account.pk], period=Period(MONDAY, today))["missing_rates"] == []


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_asks_only_for_the_currencies_of_its_accounts(owner: Any, other: Any) -> None:
    type(owner).objects.filter(pk=owner.pk).update(base_currency="CHF")
    account = foreign(owner, "EUR", "GBP")
    held_at = ledger.upsert_institution(entry=InstitutionEntry("ins-fx", "Foreign Bank"))
    elsewhere = [AccountEntry("elsewhere", "Elsewhere", currency="SEK")]
    ledger.upsert_accounts(owner_id=other.pk, institution=held_at, source="plaid", entries=elsewhere)
    rebuild_accounts(account_ids=[account.pk], now=NOW)
    assert set(CurrencyRange.objects.values_list("currency", flat=True)) == {"CHF", "EUR", "GBP"}


def test_only_official_currencies_are_asked_of_providers(owner: Any) -> None:
    foreign(owner, "BTC", "NOK")
    coin = SecurityEntry("sec-coin", name="Coin", type="cryptocurrency", unofficial_currency_code="ETH")
    odd = SecurityEntry("sec-odd", name="Odd", type="other", iso_currency_code="DOG")
    ledger.upsert_securities(source="plaid", entries=[coin, odd])
    MarketSymbol.objects.create(symbol="ADA-SOL", currency="SOL")
    assert currencies_in_use() == ["NOK"]


@pytest.mark.django_db(transaction=True)
def test_what_is_in_use_is_fetched_for_the_whole_history(owner: Any) -> None:
    account = foreign(owner, "EUR", "GBP")
    type(owner).objects.filter(pk=owner.pk).update(base_currency="CHF")
    assert currencies_in_use() == ["CHF", "EUR", "GBP"]
    provider = Quoted({"EUR": "1.10", "GBP": "1.32", "CHF": "1.25"})
    update_rates(chain=chain(provider), now=NOW)
    assert {start for _, start, _ in provider.asked} == {FRIDAY - timedelta(settings.HISTORY_DAYS + 10)}
    rebuild_accounts(account_ids=[account.pk], now=NOW)
    newest = AccountDay.objects.filter(account=account).order_by("-day").values_list("value", flat=True)[0]
    assert newest == D("240.0000")


@pytest.mark.django_db(transaction=True)
def test_the_command_fetches_from_the_configured_chain(owner: Any) -> None:
    foreign(owner, "EUR", "XAF")
    out, err = StringIO(), StringIO()
    call_command("update_fx", stdout=out, stderr=err)
    assert int(out.getvalue().split()[0]) > 500
    assert "XAF: no provider knows it" in err.getvalue()


# Euro reference rates published by the European Central Bank: units for one euro.
PUBLISHED = {
    date(2016, 12, 30): {"USD": "1.0541", "GBP": "0.85618", "JPY": "123.40", "CHF": "1.0739"},
    date(2017, 12, 29): {"USD": "1.1993", "GBP": "0.88723", "JPY": "135.01", "CHF": "1.1702"},
    date(2018, 12, 31): {"USD": "1.1450", "GBP": "0.89453", "JPY": "125.85", "CHF": "1.1269"},
}


def keep(currency: str, rates: Mapping[date, Decimal]) -> None:
    FxRate.objects.bulk_create(
        FxRate(base=currency, quote="USD", day=day, rate=rate, source="file") for day, rate in rates.items()
    )


def carried(rates: Mapping[date, Decimal], day: date) -> float:
    """The last rate up to the day."""
    return float(rates[max(known for known in rates if known <= day)])


def euros_of_the_file() -> dict[date, Decimal]:
    """EURUSD closes of 2016 to 2018."""
    path = settings.REFERENCE_DATA / "market" / "prices" / "eurusd" / "eurusd.zip"
    if not path.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as lines:
        rows = list(csv.reader(io.TextIOWrapper(lines)))
    closes = {date.fromisoformat(row[0][:8]): D(row[4]) for row in rows}
    return {day: close for day, close in closes.items() if day.year >= 2016}


def test_cross_rates_are_those_that_the_central_bank_publishes() -> None:
    for day, euros in PUBLISHED.items():
        dollar = D(euros["USD"])
        for currency in ("GBP", "JPY", "CHF"):
            keep(currency, {day: dollar / D(euros[currency])})
        keep("EUR", {day: dollar})
        for source, target in permutations(("GBP", "JPY", "CHF"), 2):
            told = rate(source, target, day + timedelta(1)) or D(0)
            assert abs(told / (D(euros[target]) / D(euros[source])) - 1) < D("1e-9")
        assert round(rate("EUR", "JPY", day) or 0, 2) == D(euros["JPY"])


def test_real_rates_are_crossed_on_every_day() -> None:
    """EURUSD closes of every day, against pounds known at three year ends only; SQL and matrix alike."""
    euros = euros_of_the_file()
    pounds = {day: D(told["USD"]) / D(told["GBP"]) for day, told in PUBLISHED.items()}
    keep("EUR", euros)
    keep("GBP", pounds)
    first, last = min(PUBLISHED), max(euros)
    matrix = rate_matrix(["GBP", "EUR", "USD"], "EUR", first, last)
    for number, row in enumerate(matrix.tolist()):
        day = first + timedelta(number)
        euro = carried(euros, day)
        assert row == pytest.approx([carried(pounds, day) / euro, 1.0, 1 / euro], rel=1e-9)
        if number % 40 == 0:
            told = [float(rate(source, "EUR", day) or 0) for source in ("GBP", "EUR", "USD")]
            assert told == pytest.approx(row, rel=1e-12)
    for day, told_euros in PUBLISHED.items():
        if day in euros:  # New York's close, some hours after the bank's fixing
            assert float(rate("EUR", "GBP", day) or 0) == pytest.approx(float(told_euros["GBP"]), rel=0.01)
