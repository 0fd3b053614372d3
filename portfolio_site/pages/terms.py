"""`/terms/`: the terms of use and the privacy notice, for anybody; and the question, for whom they have changed."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme


def agreement() -> forms.BooleanField:
    """The box to tick, with the version that it is about."""
    return forms.BooleanField(
        label=f"I agree to the terms of use and the privacy notice (version {settings.TERMS_VERSION})",
        error_messages={"required": "Longview can only be used with these terms."},
    )


class TermsForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["terms"] = agreement()


def terms(request: HttpRequest) -> HttpResponse:
    """Whoever agrees goes on to where they wanted to."""
    is_asked = request.user.is_authenticated and not request.user.has_agreed
    form = TermsForm(request.POST or None) if is_asked else None
    onward = _onward(request)
    if form is not None and request.method == "POST" and form.is_valid():
        request.user.agree()
        return redirect(onward)
    context = {"version": settings.TERMS_VERSION, "form": form, "next": onward}
    return render(request, "portfolio_site/terms.html", context)


def _onward(request: HttpRequest) -> str:
    """Where to, within this site."""
    given = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(given, {request.get_host()}, require_https=request.is_secure())
    return given if given and is_ours else "/"
