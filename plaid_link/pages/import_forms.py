"""What a wizard's forms say: answers as the batch keeps them, and the file with the account it is for."""

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.conf import settings
from django.http import QueryDict

from investments.manual import ACCOUNT_KINDS
from investments.models import Account
from investments.pages.scope import Scope
from plaid_link.imports.models import ImportBatch
from plaid_link.imports.securities import ASKED, TYPES
from plaid_link.sources.csv.kinds import KINDS, LEAVE_OUT
from plaid_link.sources.csv.layouts.generic import FIELDS

NEW: Final = "new"
FIELD_LABELS: Final = {
    "date": "Date",
    "action": "What happened",
    "symbol": "Security",
    "quantity": "Quantity",
    "price": "Price",
    "amount": "Amount",
    "fees": "Fees",
    "currency": "Currency",
    "description": "Description",
    "isin": "ISIN",
    "cusip": "CUSIP",
    "settlement date": "Settlement date",
}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to choose: a name in the form, a label, the choices."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SymbolAsk:
    key: str
    name: str
    symbol: str
    types: tuple[Choice, ...]


class UploadForm(forms.Form):
    """A file, and the account it belongs to: one of the owner's, or a new one."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.ofx,.qfx,text/csv"}),
        error_messages={"required": "Choose a file."},
    )
    account = forms.ChoiceField(label="Account", error_messages={"invalid_choice": "Choose one of your accounts."})
    name = forms.CharField(label="Name of the new account", max_length=200, required=False)
    subtype = forms.ChoiceField(label="Its kind", choices=ACCOUNT_KINDS, required=False)

    def __init__(self, *arguments: Any, scope: Scope, **named: Any) -> None:
        super().__init__(*arguments, **named)
        mine = [
            (account.key, f"{account.name}{f' ··{account.mask}' if account.mask else ''}, {group.institution}")
            for group in scope.groups
            for account in group.accounts
        ]
        self.fields["account"].choices = [(NEW, "A new account"), *mine]  # type: ignore[attr-defined]
        self.fields["file"].help_text = f"CSV, OFX or QFX, up to {settings.IMPORT_MAX_BYTES // 1_000_000} MB."

    def content(self) -> bytes:
        """The file; a byte more than allowed is enough to see that it is too large."""
        return bytes(self.cleaned_data["file"].read(settings.IMPORT_MAX_BYTES + 1))

    def chosen_account(self, user: Any) -> Account | None:
        """The account of the user's that was chosen; None for a new one."""
        chosen = self.cleaned_data["account"]
        return None if chosen == NEW else Account.objects.for_user(user).open().get(pk=int(chosen))


def column_asks(batch: ImportBatch) -> list[Ask]:
    """Which column is which, guessed where the names tell."""
    return [
        Ask(
            f"column-{field}",
            FIELD_LABELS[field],
            (
                Choice("", "not in the file"),
                *(Choice(name, name, batch.columns.get(field) == name) for name in batch.header if name),
            ),
        )
        for field in FIELDS
    ]


def question_asks(batch: ImportBatch) -> list[Ask]:
    """Questions that have a few answers."""
    labels = {"dmy": "Day first: 31/12/2025", "mdy": "Month first: 12/31/2025", ".": "1,234 is more than a thousand",
              ",": "1,234 is a little more than one"}  # fmt: skip
    return [
        Ask(one["kind"], one["text"], tuple(Choice(value, labels.get(value, value)) for value in one["values"]))
        for one in batch.questions
        if one["kind"] in ("date_order", "decimal", "account")
    ]


def action_asks(batch: ImportBatch) -> list[Ask]:
    """What words of the file mean."""
    kinds = (*((name, kind.label) for name, kind in KINDS.items()), (LEAVE_OUT, "Leave these rows out"))
    words = next((one["values"] for one in batch.questions if one["kind"] == "actions"), [])
    return [
        Ask(f"action-{number}", word or "(empty)", tuple(Choice(name, label) for name, label in kinds), word)
        for number, word in enumerate(words)
    ]


def symbol_asks(batch: ImportBatch) -> list[SymbolAsk]:
    """Securities that are new here, as they would be stored."""
    return [
        SymbolAsk(
            one["key"],
            one["name"],
            one["label"],
            tuple(Choice(name, name.capitalize(), name == one["type"]) for name in TYPES),
        )
        for one in batch.symbols
        if one["state"] == ASKED
    ]


def answers_of(batch: ImportBatch, told: QueryDict) -> dict[str, Any]:
    """What the form says, in the batch's own words; only what was asked counts."""
    answers: dict[str, Any] = {}
    columns = {field: told.get(f"column-{field}", "") for field in FIELDS}
    if chosen := {field: column for field, column in columns.items() if column in batch.header and column}:
        answers["columns"] = chosen
    for ask in question_asks(batch):
        if told.get(ask.name) in {choice.value for choice in ask.choices}:
            answers[ask.name] = told[ask.name]
    words = {ask.note: told.get(ask.name, "") for ask in action_asks(batch)}
    if known := {word: kind for word, kind in words.items() if kind in KINDS or kind == LEAVE_OUT}:
        answers["actions"] = known
    if symbols := _symbols(batch, told):
        answers["symbols"] = symbols
    if rows := [int(row) for row in told.getlist("row") if row.isdecimal() and len(row) < 10]:
        answers["rows_out"] = sorted({*batch.options.get("rows_out", []), *rows})
    if told.get("layout") == "generic":
        answers["layout"] = "generic"
    return answers


def _symbols(batch: ImportBatch, told: QueryDict) -> dict[str, Any]:
    out = set(told.getlist("symbol-out"))
    answers: dict[str, Any] = {}
    for number, ask in enumerate(symbol_asks(batch)):
        if ask.key in out:
            answers[ask.key] = LEAVE_OUT
        elif symbol := told.get(f"symbol-{number}", "").strip().upper()[:40]:
            kind = told.get(f"type-{number}", "")
            answers[ask.key] = {"symbol": symbol, **({"type": kind} if kind in TYPES else {})}
    return answers
