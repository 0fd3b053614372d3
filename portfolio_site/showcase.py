"""`/demo/...`: a portfolio that anybody may look at, on the product's own pages, with no account and nothing to write.

The address says whose figures they are, so there is no session to begin or to leave: while such a page is drawn, the
prefix is the script's name, and every link of the page keeps it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, get_script_prefix, resolve, reverse, set_script_prefix
from django_htmx.http import HttpResponseClientRedirect

from portfolio_site.lib import lockout, ratelimit
from portfolio_site.models import User

PREFIX = "/demo"
PAGES = frozenset({"overview", "holdings", "transactions", "performance", "income", "tax"})
# Changes a cookie of the visitor's browser and no row.
COOKIES_ONLY = frozenset({"appearance"})
PUBLIC = frozenset({"terms", "account_login"})
LOOKS_A_MINUTE = 60

GetResponse = Callable[[HttpRequest], HttpResponse]


def person_on_show() -> User | None:
    """Whose portfolio anybody may look at; None where the site shows nobody's. Never an operator's."""
    if not settings.SHOWCASE_EMAIL:
        return None
    return User.objects.filter(email=settings.SHOWCASE_EMAIL, is_active=True, is_staff=False).first()


def is_showcase(request: HttpRequest) -> bool:
    return getattr(request, "is_showcase", False)


class ShowcaseMiddleware:
    """Stands between authentication and the tenant's transaction: there the request becomes that person's.

    What is not a page to look at leads whoever is signed in to the same page of their own, and others to sign up.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == PREFIX:
            return redirect(f"{request.path}/")
        if not request.path_info.startswith(f"{PREFIX}/"):
            return self.get_response(request)
        if ratelimit.enter("showcase", lockout.address(request), per_minute=LOOKS_A_MINUTE):
            return _too_often(request)
        request.path_info = request.path_info.removeprefix(PREFIX)
        page = _page_of(request)
        if not _is_to_look_at(page, request.method):
            return _to_own(page, request)
        person = person_on_show()
        if person is None:
            raise Http404("Nobody's portfolio is on show")
        request.user = person
        request.is_showcase = True  # type: ignore[attr-defined]
        with _links_under_the_prefix():
            return self.get_response(request)


def _page_of(request: HttpRequest) -> str:
    """The name of the page that is asked for, empty where there is none."""
    try:
        return resolve(request.path_info).url_name or ""
    except Resolver404:
        return ""


def _is_to_look_at(page: str, method: str | None) -> bool:
    return page in COOKIES_ONLY or (page in PAGES and method in ("GET", "HEAD"))


def _to_own(page: str, request: HttpRequest) -> HttpResponse:
    is_open = page in PUBLIC or request.user.is_authenticated
    own = request.path_info if is_open else reverse("account_signup")
    return HttpResponseClientRedirect(own) if request.htmx else redirect(own)  # type: ignore[attr-defined]


def _too_often(request: HttpRequest) -> HttpResponse:
    answer = render(request, "429.html", status=429)
    answer["Retry-After"] = str(ratelimit.WINDOW_SECONDS)
    return answer


@contextmanager
def _links_under_the_prefix() -> Iterator[None]:
    before = get_script_prefix()
    set_script_prefix(f"{before.rstrip('/')}{PREFIX}/")
    try:
        yield
    finally:
        set_script_prefix(before)
