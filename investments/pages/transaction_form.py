"""The form of one transaction: its kind in words, money as it changed cash, and back to what the ledger is told."""

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from investments import manual
from investments.core.currencies import told_code
from investments.core.effects import Direction, Effect, effect_of
from investments.kinds import security_label, transaction_kind
from investments.ledger import Refused
from investments.models import Account, Security, Transaction
from portfolio_site.lib.money import exact, is_currency

KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Trades", ("buy/buy", "sell/sell", "buy/dividend reinvestment", "sell/sell short", "buy/buy to cover")),
    ("Income", (
        "cash/dividend", "cash/qualified dividend", "cash/interest", "cash/long-term capital gain",
        "cash/short-term capital gain", "cash/return of principal", "cash/stock distribution",
    )),
    ("Cash", ("cash/deposit", "cash/withdrawal", "cash/contribution")),
    ("Fees and taxes", ("fee/account fee", "fee/management fee", "cash/tax withheld", "cash/tax")),
    ("Transfers and changes", (
        "transfer/transfer", "transfer/split", "transfer/merger", "transfer/spin off", "transfer/expire",
        "transfer/assignment", "transfer/exercise",
    )),
)  # fmt: skip
# What the ledger and the form call the same thing.
LEDGER_NAMES = {"type": "kind", "subtype": "kind", "amount": "cash", "name": "description"}
MINUS = "\N{MINUS SIGN}"
TICKER = re.compile(r"[A-Z0-9]{1,6}(?:[./-][A-Z0-9]{1,4})?")


class SignedField(forms.CharField):
    """A number with an optional sign; cleans to (number, whether a sign was written), None where it is empty."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def clean(self, value: Any) -> tuple[Decimal, bool] | None:
        text = super().clean(value).replace(MINUS, "-").replace(",", "").replace("$", "").strip()
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation as problem:
            raise forms.ValidationError("Write a number.") from problem
        if not number.is_finite():
            raise forms.ValidationError("Write a number.")
        return number, text[0] in "+-"


class TransactionForm(forms.Form):
    """`before` is the version to be superseded, None for a new transaction."""

    external_id = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    account = forms.ChoiceField(label="Account")
    kind = forms.ChoiceField(label="Kind")
    date = forms.DateField(label="Date", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    security = forms.CharField(
        label="Security", required=False, widget=forms.TextInput(attrs={"list": "securities", "autocomplete": "off"})
    )
    # Asked only where nobody knows the security: then it is entered, for its owner alone.
    security_type = forms.ChoiceField(
        label="What it is",
        required=False,
        help_text="If the security is spelled right, choose: it is then entered, for you alone.",
        choices=[("", "Choose"), *((kind, kind.capitalize()) for kind in manual.SECURITY_TYPES)],
    )
    quantity = SignedField(label="Quantity", required=False)
    price = SignedField(label="Price", required=False)
    fees = SignedField(label="Fees within", required=False)
    cash = SignedField(
        label=f"Cash in (+) or out ({MINUS})", required=False, help_text="Empty: quantity times price, and the fees."
    )
    currency = forms.CharField(
        label="Currency", required=False, max_length=20, help_text="Of these figures. Empty: the account's.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )  # fmt: skip
    description = forms.CharField(label="Description", required=False, max_length=500)

    def __init__(self, *args: Any, owner: Any, accounts: Sequence[Account], before: Transaction | None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.owner, self.before = owner, before
        self.accounts = {str(account.pk): account for account in accounts}
        names = [(key, f"{account.institution.name} · {account}") for key, account in self.accounts.items()]
        self.fields["account"].choices = names  # type: ignore[attr-defined]
        self.fields["kind"].choices = _kinds(before)  # type: ignore[attr-defined]
        if before is not None:
            self.fields["account"].disabled = True
            self.initial["account"] = str(before.account_id)
            self.accounts.setdefault(str(before.account_id), before.account)
            self.fields["account"].choices = [(str(before.account_id), str(before.account))]  # type: ignore[attr-defined]
        if not self.data.get("security_type"):
            self.new_security = self.fields.pop("security_type")

    def told(self) -> manual.Told:
        """What the valid form says. Raises Refused."""
        values = self.cleaned_data
        type, _, subtype = values["kind"].partition("/")
        account, effect = self.accounts[values["account"]], effect_of(type, subtype)
        return manual.Told(
            account=account,
            type=type,
            subtype=subtype,
            date=values["date"],
            security=self._security(values["security"], account),
            quantity=_units(values["quantity"], effect),
            price=_number(values["price"]),
            amount=_amount(values["cash"], effect),
            fees=_number(values["fees"]),
            currency=told_code(values["currency"]) or (self.before.currency if self.before else ""),
            name=values["description"],
            settles_on=self._settles_on(values["date"]),
        )

    def refuse(self, refused: Refused) -> None:
        """Show what the ledger says beside the field it is about."""
        name = LEDGER_NAMES.get(refused.field, refused.field)
        self.add_error(name if name in self.fields else None, f"{refused}.")

    def _security(self, text: str, account: Account) -> Security | None:
        kept = self.before.security if self.before else None
        if kept is not None and text == security_text(kept):
            return kept
        if not text.strip():
            return None
        try:
            return manual.find_security(owner=self.owner, text=text, currency=self._currency(account))
        except manual.UnknownSecurity:
            if not self.cleaned_data.get("security_type"):
                self._ask_what_it_is()
                raise
        return self._entered(text.strip(), account)

    def _entered(self, text: str, account: Account) -> Security:
        """A new security of the owner's: a ticker where it looks like one, else a name."""
        is_ticker = bool(TICKER.fullmatch(text.upper()))
        return manual.add_security(
            owner_id=self.owner.pk,
            ticker=text.upper() if is_ticker else "",
            name="" if is_ticker else text,
            type=self.cleaned_data["security_type"],
            currency=self._currency(account) if is_currency(self._currency(account)) else "USD",
        )

    def _currency(self, account: Account) -> str:
        return told_code(self.cleaned_data["currency"]) or account.currency

    def _ask_what_it_is(self) -> None:
        fields = list(self.fields.items())
        at = [name for name, _ in fields].index("security") + 1
        self.fields = dict([*fields[:at], ("security_type", self.new_security), *fields[at:]])

    def _settles_on(self, day: datetime.date) -> datetime.date | None:
        """Kept as long as the trade's day is."""
        return self.before.settles_on if self.before and self.before.date == day else None


def initial(row: Transaction) -> dict[str, Any]:
    """What the form shows of a row."""
    effect = effect_of(row.type, row.subtype)
    fixed = effect.units in (Direction.IN, Direction.OUT)
    return {
        "external_id": row.external_id,
        "version": row.version,
        "kind": f"{row.type}/{row.subtype}",
        "date": row.date,
        "security": security_text(row.security) if row.security else "",
        "quantity": _shown(abs(row.quantity) if fixed else row.quantity),
        "price": _shown(row.price),
        "cash": _shown(-row.amount, signed=True),
        "fees": _shown(row.fees),
        "currency": row.currency,
        "description": row.name,
    }


def security_text(security: Security) -> str:
    return security.ticker_symbol or security_label(security)


def _kinds(before: Transaction | None) -> list[tuple[str, list[tuple[str, str]]]]:
    groups = [(group, [_kind(key) for key in keys]) for group, keys in KINDS]
    if before is not None:
        key = f"{before.type}/{before.subtype}"
        if not any(key in keys for _, keys in KINDS):
            groups.insert(0, ("As reported", [_kind(key)]))
    return groups


def _kind(key: str) -> tuple[str, str]:
    type, _, subtype = key.partition("/")
    return key, transaction_kind(type, subtype)


def _shown(number: Decimal, *, signed: bool = False) -> str:
    if not number:
        return ""
    return f"{'+' if signed and number > 0 else ''}{exact(number) if signed else format(number.normalize(), 'f')}"


def _number(given: tuple[Decimal, bool] | None) -> Decimal:
    return given[0] if given else Decimal(0)


def _units(given: tuple[Decimal, bool] | None, effect: Effect) -> Decimal:
    if effect.units is Direction.OUT:
        return -abs(_number(given))
    return abs(_number(given)) if effect.units is Direction.IN else _number(given)


def _amount(given: tuple[Decimal, bool] | None, effect: Effect) -> Decimal | None:
    """As the ledger counts: above zero is paid. Without a sign the kind says which way cash went."""
    if given is None:
        return None
    cash, has_sign = given
    if effect.cash is Direction.OUT or (effect.fee and not has_sign):
        return abs(cash)
    return -abs(cash) if effect.cash is Direction.IN else -cash
