"""`/settings/`: how the user is shown their figures."""

import re
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portfolio_site.models import User
from portfolio_site.pages.access import access
from portfolio_site.pages.lot_methods import lot_methods_form

CURRENCIES = {
    "USD": "US dollar",
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "CAD": "Canadian dollar",
    "AUD": "Australian dollar",
    "CHF": "Swiss franc",
    "JPY": "Japanese yen",
}

SYMBOL = re.compile(r"^[A-Z0-9^][A-Z0-9.\-=]{0,19}$")


def zone_choices() -> list[tuple[str, str]]:
    """Named zones as people say them: `New York (America)`."""
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix")))
    return [(zone, _zone_words(zone)) for zone in zones]


def _zone_words(zone: str) -> str:
    area, _, place = zone.partition("/")
    return f"{area} / {place.replace('_', ' ')}"


class ProfileForm(forms.ModelForm):
    base_currency = forms.ChoiceField(
        label="Base currency",
        choices=[(code, f"{name} ({code})") for code, name in CURRENCIES.items()],
        help_text="Every total is converted to it.",
    )
    time_zone = forms.ChoiceField(
        label="Time zone", choices=zone_choices, help_text="For the times shown. Days follow New York's market."
    )

    class Meta:
        model = User
        fields = ["first_name", "base_currency", "time_zone", "benchmark"]
        labels = {"first_name": "What should we call you?", "benchmark": "Benchmark"}
        help_texts = {"benchmark": "The symbol that performance is compared with: SPY, QQQ, or another."}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["benchmark"].required = False

    def clean_benchmark(self) -> str:
        """A symbol; the usual one where none is given."""
        symbol = str(self.cleaned_data["benchmark"] or User._meta.get_field("benchmark").default).strip().upper()
        if not SYMBOL.match(symbol):
            raise forms.ValidationError("Give a symbol: letters, digits, a point or a dash.")
        return symbol


@login_required
def settings(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("settings")
    context = {"form": form, "lot_methods": lot_methods_form(request), **access(request)}
    return render(request, "portfolio_site/settings.html", context)
