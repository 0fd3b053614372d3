"""What an owner says about taxes: which securities are substantially identical, and how unsettled law is read.

Every change leaves the owner's lots behind their ledger, so that they are computed anew.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from investments.filters import securities_of
from investments.ledger.changes import changed, together
from investments.ledger.drafts import Refused
from investments.models import Account, IdenticalGroup, IdenticalSecurity, Security, TaxRules


def may_be_identical(owner: Any) -> QuerySet[Security]:
    """What an owner can declare identical: the securities that are theirs, cash left out."""
    return securities_of(owner).exclude(type="cash", ticker_symbol__istartswith="CUR:")


def declare_identical(
    *, owner: Any, name: str, security_ids: Collection[int], group: IdenticalGroup | None = None
) -> IdenticalGroup:
    """A new group, or `group` as it is from now on. Raises Refused, which names the field; nothing has changed then."""
    name, wanted = name.strip(), set(security_ids)
    others = IdenticalGroup.objects.for_user(owner).exclude(pk=group.pk if group else None)
    if not name or len(name) > 60:
        raise Refused("A name of 1 to 60 characters", field="name")
    if others.filter(name=name).exists():
        raise Refused("Another group has this name", field="name")
    _check_members(owner, wanted, others)
    with together():
        if group is None:
            group = IdenticalGroup.objects.create(owner=owner, name=name)
        elif group.name != name:
            group.name = name
            group.save(update_fields=["name"])
        _set_members(owner, group, wanted)
    return group


def _check_members(owner: Any, wanted: set[int], others: Any) -> None:
    if len(wanted) < 2:
        raise Refused("Name two securities or more", field="securities")
    if wanted - set(may_be_identical(owner).filter(pk__in=wanted).values_list("pk", flat=True)):
        raise Refused("Only what you hold or have traded", field="securities")
    taken = IdenticalSecurity.objects.filter(group__in=others, security__in=wanted).select_related("security", "group")
    for member in taken:
        raise Refused(f"{member.security} is in the group {member.group} already", field="securities")


def _set_members(owner: Any, group: IdenticalGroup, wanted: set[int]) -> None:
    known = set(group.members.values_list("security_id", flat=True))
    if known == wanted:
        return
    group.members.exclude(security__in=wanted).delete()
    IdenticalSecurity.objects.bulk_create(
        IdenticalSecurity(owner=owner, group=group, security_id=security) for security in sorted(wanted - known)
    )
    _recompute(owner)


def forget_identical(*, group: IdenticalGroup) -> None:
    """The group's securities are different ones again."""
    with together():
        _recompute(group.owner)
        group.delete()


def read_same_lot(*, owner: Any, counts: bool) -> bool:
    """Whether what is left of a lot replaces the part of it that was sold at a loss. Returns whether that is new."""
    with together():
        rules, _ = TaxRules.objects.get_or_create(owner=owner)
        if rules.same_lot == counts:
            return False
        rules.same_lot = counts
        rules.save(update_fields=["same_lot"])
        _recompute(owner)
    return True


def _recompute(owner: Any) -> None:
    """An owner's lots follow the sum of the accounts' versions: one of them is enough."""
    changed(Account.objects.for_user(owner).order_by("pk").values_list("pk", flat=True)[:1])
