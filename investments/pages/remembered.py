"""The filters that each user last looked at a page with: its bare address leads back to them, `?reset` forgets them."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portfolio_site.models import User

View = Callable[..., HttpResponse]
RESET = "reset"
LONGEST = 200


def remembers(page: str, names: Collection[str]) -> Callable[[View], View]:
    """For a view of signed-in users: the parameters `names` are kept under `page` whenever it answers well.

    An address with none of them is sent on to those kept, with what else it had (the account), so that what is shown
    is always what the address says. Parts of a page and other methods are answered as they are, and visitors of the
    showcase, who share one user, share no filters.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def remembering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "GET" or not request.user.is_authenticated or getattr(request, "is_showcase", False):
                return view(request, *args, **kwargs)
            kept = _in_order(request.user.page_filters.get(page, {}), names)
            chosen = {name: request.GET[name] for name in names if request.GET.get(name)}
            if RESET in request.GET:
                _keep(request.user, page, chosen)
                return _sent_to(request, {})
            if kept and not chosen and not _is_part(request):
                return _sent_to(request, kept)
            if kept and not chosen and getattr(request, "htmx", None):
                _keep(request.user, page, {})  # the button that took the last one away
            answer = view(request, *args, **kwargs)
            if chosen and chosen != kept and answer.status_code == 200:
                _keep(request.user, page, chosen)
            return answer

        return remembering

    return decorate


def _in_order(kept: dict[str, str], names: Collection[str]) -> dict[str, str]:
    """The database turns the order of keys round as it likes; an address has one."""
    return {name: kept[name] for name in names if name in kept}


def _is_part(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", None)) or "X-Fragment" in request.headers


def _sent_to(request: HttpRequest, filters: dict[str, str]) -> HttpResponse:
    query = {name: value for name, value in request.GET.items() if value and name != RESET} | filters
    return redirect(f"{request.path}?{urlencode(query)}" if query else request.path)


def _keep(user: User, page: str, chosen: dict[str, str]) -> None:
    """What is far too long to be a filter is not kept."""
    if any(len(value) > LONGEST for value in chosen.values()):
        return
    user.page_filters = {**user.page_filters, page: chosen}
    user.save(update_fields=["page_filters"])
