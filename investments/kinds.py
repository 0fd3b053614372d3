"""What accounts, securities and transactions are called in words: Plaid's names, as people say them."""

from django.utils.formats import date_format

from investments.models import Account, Security

ACCOUNT_KINDS = {
    "401a": "401(a)",
    "401k": "401(k)",
    "403b": "403(b)",
    "457b": "457(b)",
    "529": "529 plan",
    "brokerage": "Brokerage",
    "cash isa": "Cash ISA",
    "cash management": "Cash management",
    "crypto exchange": "Crypto",
    "hsa": "HSA",
    "ira": "IRA",
    "isa": "ISA",
    "non-custodial wallet": "Crypto wallet",
    "roth": "Roth IRA",
    "roth 401k": "Roth 401(k)",
    "sarsep": "SARSEP",
    "sep ira": "SEP IRA",
    "simple ira": "SIMPLE IRA",
    "stock plan": "Stock plan",
    "traditional 401k": "Traditional 401(k)",
    "ugma": "UGMA",
    "utma": "UTMA",
}
SECURITY_KINDS = {
    "cash": "Cash",
    "cryptocurrency": "Crypto",
    "derivative": "Options",
    "equity": "Stocks",
    "etf": "ETFs",
    "fixed income": "Bonds",
    "loan": "Loans",
    "mutual fund": "Mutual funds",
}
CURRENCY_PREFIX = "CUR:"
CASH = "Cash"
OTHER = "Other"


def account_kind(account: Account) -> str:
    """`Traditional IRA`, `Brokerage`: the subtype in words, else the type."""
    name = account.subtype or account.type
    return ACCOUNT_KINDS.get(name.lower(), name.capitalize())


def asset_class(security: Security) -> str:
    """`Stocks`, `Bonds`; what counts as cash is `Cash`, whatever its type."""
    if security.is_cash or security.is_cash_equivalent:
        return CASH
    return SECURITY_KINDS.get(security.type, OTHER)


def security_label(security: Security) -> str:
    """What it is called for short: the ticker, `MSFT $475 call`, or the name where there is no ticker."""
    if security.is_option and security.option_strike_price is not None:
        strike = f"{security.option_strike_price.normalize():f}"
        return f"{security.option_underlying_ticker} ${strike} {security.option_contract_type}"
    return security.ticker_symbol.removeprefix(CURRENCY_PREFIX) or security.name


def security_name(security: Security) -> str:
    """What stands under the label: the name, an option's expiry, or the kind where the label is the name already."""
    if security.is_option and security.option_expiration_date:
        return f"Expires {date_format(security.option_expiration_date, 'j M Y')}"
    if security.name and security.name != security_label(security):
        return security.name
    return SECURITY_KINDS.get(security.type, OTHER).removesuffix("s")


def transaction_kind(type: str, subtype: str) -> str:
    """`Dividend`, `Buy to cover`: the subtype where it says more than the type."""
    return (subtype or type).replace("_", " ").capitalize()
