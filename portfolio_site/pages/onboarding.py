"""`/onboarding/`: about you, connect, live progress, done. Each step is a page of its own, and each can be left."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from history.reconstruction.progress import AccountProgress, overall_progress, reconstruction_progress
from investments.models import Holding, Transaction
from plaid_link.models import Item
from plaid_link.pages.link import link_addresses
from portfolio_site.models import Job
from portfolio_site.pages.settings import ProfileForm
from portfolio_site.pages.terms import agreement

STEPS = ("About you", "Connect", "History", "Done")
ABOUT, CONNECT, HISTORY, DONE = range(4)
NOT_IN_NEED = (Item.Status.LINKING, Item.Status.OK)


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    is_done: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """`state`: waiting, running, done or failed; a `count` of what was found, or a `percent`."""

    label: str
    state: str
    count: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    steps: tuple[ProgressStep, ...]
    job_urls: str
    is_done: bool
    error: str
    next_url: str


class PersonaliseForm(ProfileForm):
    terms = agreement()


def _steps(current: int) -> list[Step]:
    return [Step(label, i < current, i == current) for i, label in enumerate(STEPS)]


@login_required
def personalise(request: HttpRequest) -> HttpResponse:
    form = PersonaliseForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        request.user.agree()
        return redirect("onboarding_connect")
    return _render(request, "personalise", ABOUT, form=form)


@login_required
def connect(request: HttpRequest) -> HttpResponse:
    return _render(request, "connect", CONNECT, link=link_addresses(), skip_url=reverse("onboarding_skip"))


@login_required
def skip(request: HttpRequest) -> HttpResponse:
    _finish(request)
    return redirect("overview")


@login_required
def progress(request: HttpRequest) -> HttpResponse:
    return _render(request, "progress", HISTORY, progress=_progress(request))


@login_required
def done(request: HttpRequest) -> HttpResponse:
    _finish(request)
    histories = reconstruction_progress(user_id=request.user.pk)
    return _render(
        request,
        "done",
        DONE,
        account_count=len(histories),
        days=max((account.days_done for account in histories), default=0),
        quality=_quality(histories),
    )


def _render(request: HttpRequest, page: str, step: int, **context: Any) -> HttpResponse:
    return render(request, f"portfolio_site/onboarding/{page}.html", {"steps": _steps(step), **context})


def _finish(request: HttpRequest) -> None:
    if request.user.onboarded_at is None:
        request.user.onboarded_at = timezone.now()
        request.user.save(update_fields=["onboarded_at"])


def _quality(histories: list[AccountProgress]) -> float | None:
    known = [account.quality for account in histories if account.quality is not None]
    return sum(known) / len(known) if known else None


def _progress(request: HttpRequest) -> Progress:
    """Read from what is in the tables, so that it is right after any reload; the jobs only tell when to look."""
    user = request.user
    items = list(Item.objects.for_user(user).connected())
    histories = reconstruction_progress(user_id=user.pk)
    is_read = bool(items) and all(item.status != Item.Status.LINKING for item in items)
    waiting = [account for account in histories if account.behind and account.state != "failed"]
    jobs = Job.objects.for_user(user).unfinished()
    return Progress(
        steps=(*_counted(user, histories, is_read), _history_step(histories, is_read, bool(waiting))),
        job_urls=" ".join(reverse("api-job", args=[pk]) for pk in jobs.values_list("pk", flat=True)),
        is_done=is_read and not waiting,
        error=next((item.error_message for item in items if item.status not in NOT_IN_NEED), ""),
        next_url=reverse("onboarding_done"),
    )


def _counted(user: Any, histories: list[AccountProgress], is_read: bool) -> list[ProgressStep]:
    counts = {
        "Accounts": len(histories),
        "Holdings": Holding.objects.for_user(user).held().count(),
        "Transactions": Transaction.objects.for_user(user).current().count(),
    }
    return [
        ProgressStep(label, "done" if is_read else "running" if count else "waiting", count=count)
        for label, count in counts.items()
    ]


def _history_step(histories: list[AccountProgress], is_read: bool, is_waiting: bool) -> ProgressStep:
    percent = round(overall_progress(histories) * 100) if histories else 0
    if is_read and not is_waiting:
        return ProgressStep("History", "done", percent=100)
    return ProgressStep("History", "running" if percent else "waiting", percent=percent)
