"""On the settings page: take your data away, or leave."""

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from portfolio_site import privacy
from portfolio_site.models import Job, UserExport


@login_required
@require_POST
def take_away(request: HttpRequest) -> HttpResponse:
    """The zip where there is one; else a job makes it."""
    export = privacy.request_export(request.user)  # type: ignore[arg-type]
    if export.job.state != Job.State.SUCCEEDED:
        messages.info(request, "Your data is being collected. Ask for it again in a minute.")
        return redirect("settings")
    content = UserExport.objects.values_list("content", flat=True).get(pk=export.pk)
    name = f"longview-{export.created_at:%Y-%m-%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(bytes(content), content_type="application/zip", headers=headers)


class LeaveForm(forms.Form):
    password = forms.CharField(
        label="Your password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: object, user: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if not self.user.check_password(password):  # type: ignore[attr-defined]
            raise forms.ValidationError("This is not your password.")
        return password


@login_required
def leave(request: HttpRequest) -> HttpResponse:
    """Asks once more, then signs out and sets the thirty days going."""
    form = LeaveForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        until = privacy.request_deletion(request.user)  # type: ignore[arg-type]
        logout(request)
        messages.success(request, f"Your account is closed, and will be deleted for good on {until:%-d %B %Y}.")
        return redirect("account_login")
    return render(request, "portfolio_site/leave.html", {"form": form})
