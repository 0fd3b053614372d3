"""Somebody whose pages have something to show in every panel, for the tests in a browser."""

from typing import Any

from history.market.benchmarks import update_benchmarks
from history.models import BenchmarkSector
from history.reconstruction.rebuild import rebuild_accounts
from investments.models import Account
from plaid_link import link
from plaid_link.models import Item, UnplacedAccount
from plaid_link.sync import sync_item, whole_window
from tests.browsing import make_person


def make_trader(plaid_process: Any) -> Any:
    """A trader's accounts and their history, of which one is in doubt; a second login wants repair."""
    owner = make_person()
    for username, institution in (("user_trader", "ins_12"), ("user_good", "ins_11")):
        token = plaid_process.public_token(username, institution_id=institution)
        item = link.exchange_public_token(user_id=owner.pk, public_token=token).item
        start, end = whole_window()
        sync_item(item=item, trigger="user", start=start, end=end)
    ask_which_account(Item.objects.exclude(pk=item.pk).get())
    rebuild_accounts(account_ids=list(Account.objects.values_list("pk", flat=True)))
    for sector, weight, proxy in (("Technology", "0.6", "QQQ"), ("Energy", "0.4", "SPY")):
        BenchmarkSector.objects.create(benchmark="QQQ", since="2026-01-02", sector=sector, weight=weight, proxy=proxy)
    update_benchmarks()
    Item.objects.filter(pk=item.pk).update(status=Item.Status.NEEDS_REPAIR, error_message="Sign in again to go on.")
    return owner


def ask_which_account(item: Item) -> None:
    candidates = list(Account.objects.filter(linked_account__item=item).values_list("pk", flat=True))
    UnplacedAccount.objects.create(
        owner=item.owner, item=item, external_id="x", name="Brokerage", type="investment", candidates=candidates
    )
