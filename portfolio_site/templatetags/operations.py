"""The operators' board on the admin's home, and the runbook over each list."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone

from portfolio_site.pages import operations

register = template.Library()


@register.inclusion_tag("portfolio_site/operations/board.html")
def operations_board() -> dict[str, Any]:
    cards = operations.cards()
    return {"cards": cards, "urgent": [card for card in cards if card.tone != "good"], "now": timezone.now()}


@register.simple_tag
def runbook_of(options: Any) -> str:
    """The address of the runbook of a model's list; empty where there is none."""
    name = operations.LISTS.get(options.label_lower)
    return reverse("runbook", args=[name]) if name else ""


@register.filter
def runbook_title(name: str) -> str:
    return operations.runbook_title(name)
