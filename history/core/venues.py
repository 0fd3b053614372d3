"""Exchanges outside the United States: how each provider names what is listed there.

A listing abroad is asked for as `SYMBOL:MIC`, one in the United States by its symbol alone. Providers put a suffix of
their own behind the symbol. What a provider has no suffix for is not asked of it: the bare symbol is another company.
Suffixes are as published by Yahoo ("Exchanges and data providers on Yahoo Finance"), FMP (`available-exchanges`) and
Alpha Vantage (`SYMBOL_SEARCH`).
"""

from dataclasses import dataclass
from typing import Final

from investments.core.currencies import QUOTED_IN_MINOR


@dataclass(frozen=True, slots=True)
class Venue:
    """An exchange by its MIC. An empty suffix: the provider does not have it, or not for sure."""

    mic: str
    currency: str
    yahoo: str
    fmp: str = ""
    alphavantage: str = ""
    names: tuple[str, ...] = ()


VENUES: Final = {
    venue.mic: venue
    for venue in (
        Venue("XLON", "GBP", "L", "L", "LON", ("LSE", "LONDON", "LONDON STOCK EXCHANGE", "AIMX")),
        Venue("XETR", "EUR", "DE", "DE", "DEX", ("XETRA", "GER")),
        Venue("XFRA", "EUR", "F", "F", "FRK", ("FRANKFURT", "FRA")),
        Venue("XSTU", "EUR", "SG", "", "", ("STUTTGART", "STU")),
        Venue("XMUN", "EUR", "MU", "", "", ("MUNICH", "MUN")),
        Venue("XPAR", "EUR", "PA", "PA", "PAR", ("PARIS", "EURONEXT PARIS")),
        Venue("XAMS", "EUR", "AS", "AS", "AMS", ("AMSTERDAM", "EURONEXT AMSTERDAM")),
        Venue("XBRU", "EUR", "BR", "BR", "", ("BRUSSELS", "BRU", "EURONEXT BRUSSELS")),
        Venue("XLIS", "EUR", "LS", "LS", "", ("LISBON", "LIS", "EURONEXT LISBON")),
        Venue("XDUB", "EUR", "IR", "IR", "", ("DUBLIN", "DUB", "XMSM")),
        Venue("XMIL", "EUR", "MI", "MI", "", ("MILAN", "MIL", "MTAA")),
        Venue("XMAD", "EUR", "MC", "MC", "", ("MADRID", "MCE", "BME")),
        Venue("XWBO", "EUR", "VI", "VI", "", ("VIENNA", "VIE")),
        Venue("XHEL", "EUR", "HE", "HE", "", ("HELSINKI", "HEL")),
        Venue("XATH", "EUR", "AT", "AT", "", ("ATHENS", "ATH")),
        Venue("XSWX", "CHF", "SW", "SW", "", ("SIX", "EBS", "SWX", "SWISS", "XVTX")),
        Venue("XSTO", "SEK", "ST", "ST", "", ("STOCKHOLM", "STO")),
        Venue("XCSE", "DKK", "CO", "CO", "", ("COPENHAGEN", "CPH")),
        Venue("XOSL", "NOK", "OL", "OL", "", ("OSLO", "OSL")),
        Venue("XICE", "ISK", "IC", "IC", "", ("ICELAND",)),
        Venue("XWAR", "PLN", "WA", "WA", "", ("WARSAW", "WSE")),
        Venue("XPRA", "CZK", "PR", "PR", "", ("PRAGUE", "PRA")),
        Venue("XBUD", "HUF", "BD", "BD", "", ("BUDAPEST", "BUD")),
        Venue("XIST", "TRY", "IS", "IS", "", ("ISTANBUL", "IST")),
        Venue("XTSE", "CAD", "TO", "TO", "TRT", ("TSX", "TORONTO", "TOR")),
        Venue("XTSX", "CAD", "V", "V", "TRV", ("TSXV", "VAN", "TSX VENTURE", "XTNX")),
        Venue("NEOE", "CAD", "NE", "NE", "", ("NEO", "XNEO")),
        Venue("XCNQ", "CAD", "CN", "CN", "", ("CNQ",)),
        Venue("XMEX", "MXN", "MX", "MX", "", ("MEXICO", "MEX")),
        Venue("BVMF", "BRL", "SA", "SA", "SAO", ("SAO PAULO", "SAO", "B3")),
        Venue("XBUE", "ARS", "BA", "BA", "", ("BUENOS AIRES", "BUE")),
        Venue("XSGO", "CLP", "SN", "SN", "", ("SANTIAGO", "SGO")),
        Venue("XASX", "AUD", "AX", "AX", "", ("ASX", "SYDNEY")),
        Venue("XNZE", "NZD", "NZ", "NZ", "", ("NZX", "NZE")),
        Venue("XTKS", "JPY", "T", "T", "", ("JPX", "TOKYO", "XJPX")),
        Venue("XHKG", "HKD", "HK", "HK", "HKG", ("HKSE", "HKEX", "HONG KONG")),
        Venue("XSHG", "CNY", "SS", "SS", "SHH", ("SHH", "SHANGHAI")),
        Venue("XSHE", "CNY", "SZ", "SZ", "SHZ", ("SHZ", "SHENZHEN")),
        Venue("XTAI", "TWD", "TW", "TW", "", ("TAI", "TAIWAN")),
        Venue("ROCO", "TWD", "TWO", "TWO", "", ("TWO", "TPEX")),
        Venue("XKRX", "KRW", "KS", "KS", "", ("KSC", "KRX", "KOSPI")),
        Venue("XKOS", "KRW", "KQ", "KQ", "", ("KOE", "KOSDAQ")),
        Venue("XSES", "SGD", "SI", "SI", "", ("SES", "SGX", "SINGAPORE")),
        Venue("XBKK", "THB", "BK", "BK", "", ("SET", "BANGKOK")),
        Venue("XIDX", "IDR", "JK", "JK", "", ("JKT", "JAKARTA")),
        Venue("XKLS", "MYR", "KL", "KL", "", ("KLS", "KUALA LUMPUR")),
        Venue("XNSE", "INR", "NS", "NS", "", ("NSE", "NSI")),
        Venue("XBOM", "INR", "BO", "BO", "BSE", ("BSE", "BOMBAY")),
        Venue("XTAE", "ILS", "TA", "TA", "", ("TLV", "TEL AVIV", "TASE")),
        Venue("XJSE", "ZAR", "JO", "JO", "", ("JNB", "JSE", "JOHANNESBURG")),
        Venue("XSAU", "SAR", "SR", "SR", "", ("SAU", "TADAWUL")),
    )
}
US_NAMES: Final = frozenset(
    {
        "", "US", "UNITED STATES", "NYSE", "NASDAQ", "AMEX", "NYSEARCA", "CBOE", "OTC",
        "XNYS", "XNAS", "XNGS", "XNMS", "XNCM", "ARCX", "XASE", "BATS", "BATO", "IEXG", "OTCM", "OOTC", "PINX", "XOTC",
        "NMS", "NGM", "NCM", "NYQ", "ASE", "PCX", "BTS", "PNK",
    }
)  # fmt: skip
_MICS: Final = {name: venue.mic for venue in VENUES.values() for name in (venue.mic, *venue.names)}
_BY_SUFFIX: Final = {
    provider: {getattr(venue, provider): venue for venue in VENUES.values() if getattr(venue, provider)}
    for provider in ("yahoo", "fmp", "alphavantage")
}


def mic_of(exchange: str) -> str | None:
    """The MIC of an exchange as people and providers call it: empty for the United States, None for one unknown."""
    name = exchange.strip().upper()
    return "" if name in US_NAMES else _MICS.get(name)


def asked_as(symbol: str, exchange: str) -> str:
    """What providers are asked for, no two listings alike: the symbol, abroad with the exchange behind it."""
    mic = mic_of(exchange)
    return symbol if mic == "" else f"{symbol}:{mic or exchange}"


def theirs(asked: str, provider: str) -> tuple[str, str] | None:
    """(Symbol, suffix) by which a provider knows what is asked for; the suffix is empty for the United States.

    None where the provider has no suffix for the exchange.
    """
    symbol, _, mic = asked.partition(":")
    if not mic:
        return symbol, ""
    suffix = getattr(VENUES[mic], provider) if mic in VENUES else ""
    if mic == "XHKG" and symbol.isdigit():
        symbol = symbol.zfill(4)
    return (symbol, f".{suffix}") if suffix else None


def listed_at(told: str, provider: str) -> tuple[str, Venue | None]:
    """The symbol without its suffix, and the venue abroad that the suffix means; None: there is no such suffix."""
    symbol, _, suffix = told.rpartition(".")
    venue = _BY_SUFFIX[provider].get(suffix) if symbol else None
    return (symbol, venue) if venue else (told, None)


def may_be_minor(asked: str) -> bool:
    """Whether a price may come in a hundredth of the currency, as pence in London."""
    venue = VENUES.get(asked.partition(":")[2])
    return venue is not None and venue.currency in QUOTED_IN_MINOR
