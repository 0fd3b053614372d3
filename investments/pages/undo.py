"""What the person at the page did to transactions, so that it can be taken back and done again, step by step.

A step is a row and the version to go back to. Going back makes a new version, whose opposite is the next step the other
way. All of it is in the session; the rows themselves are in the ledger.
"""

from typing import Any

from django.http import HttpRequest

from investments import ledger
from investments.models import Transaction

KEY = "transaction_steps"
MOST = 50
NOTHING = 0  # the version before the first one


class Steps:
    """The steps of one session. `at` is the version that the last step on a row has made."""

    def __init__(self, request: HttpRequest) -> None:
        self.session = request.session
        kept: dict[str, Any] = request.session.get(KEY, {})
        self.ways: dict[str, list[list[int]]] = {"undo": kept.get("undo", []), "redo": kept.get("redo", [])}
        self.at: dict[str, int] = kept.get("at", {})

    @property
    def can_undo(self) -> bool:
        return bool(self.ways["undo"])

    @property
    def can_redo(self) -> bool:
        return bool(self.ways["redo"])

    def did(self, row: Transaction, *, before: int) -> None:
        """Remember a change that made `row` of version `before`; what was undone cannot be redone any more."""
        first = row.versions().values_list("pk", flat=True)[0]
        self.ways["undo"] = [*self.ways["undo"], [first, before]][-MOST:]
        self.ways["redo"] = []
        self.at[str(first)] = row.version
        self._keep()

    def take(self, way: str, owner: Any) -> Transaction | None:
        """Undo or redo the last step; the row as it stands then, None where there is none. Raises StaleVersion."""
        if not self.ways[way]:
            return None
        pk, target = self.ways[way].pop()
        row, at = Transaction.objects.for_user(owner).filter(pk=pk).first(), self.at[str(pk)]
        if row is None:
            self._forget(pk)
            return None
        try:
            now = self._go(row, at, target)
        except ledger.StaleVersion:
            self._forget(pk)
            raise
        self.ways["redo" if way == "undo" else "undo"].append([pk, at])
        self.at[str(pk)] = now.version
        self._keep()
        return now

    def _go(self, row: Transaction, at: int, target: int) -> Transaction:
        if target == NOTHING:
            return ledger.void_transaction(row=row, version=at)
        return ledger.restore_transaction(row=row, version=at, to_version=target)

    def _forget(self, pk: int) -> None:
        """The row has been changed elsewhere: its steps lead nowhere."""
        self.ways = {way: [step for step in steps if step[0] != pk] for way, steps in self.ways.items()}
        self._keep()

    def _keep(self) -> None:
        named = {str(pk) for steps in self.ways.values() for pk, _ in steps}
        self.session[KEY] = {**self.ways, "at": {pk: version for pk, version in self.at.items() if pk in named}}
