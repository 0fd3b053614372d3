"""Admin actions on many rows that ask first, and say in the admin's log who did it to which row."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

TEMPLATE = "admin/confirm_action.html"
# Takes the admin, the request and the rows; answers with the sentence that says what was done.
Act = Callable[[Any, HttpRequest, "QuerySet[Any]"], str]
Action = Callable[[Any, HttpRequest, "QuerySet[Any]"], TemplateResponse | None]


def confirmed_action(description: str, *, explains: str) -> Callable[[Act], Action]:
    """Makes an action of a method: a page lists the rows and `explains` what will happen; once confirmed, it does.

    It asks for the right to view: where rows are written by the machinery alone, nobody has the right to change them.
    """

    def wrapped(act: Act) -> Action:
        @admin.action(description=description, permissions=["view"])
        @functools.wraps(act)
        def action(self: Any, request: HttpRequest, queryset: "QuerySet[Any]") -> TemplateResponse | None:
            rows = list(queryset.order_by("pk"))
            if "confirmed" not in request.POST:
                context = {
                    **self.admin_site.each_context(request),
                    "title": description,
                    "explains": explains,
                    "opts": self.opts,
                    "rows": rows,
                    "action": act.__name__,
                    "checkbox": ACTION_CHECKBOX_NAME,
                }
                return TemplateResponse(request, TEMPLATE, context)
            told = act(self, request, queryset)
            for row in rows:
                self.log_change(request, row, description)
            self.message_user(request, told, messages.SUCCESS)
            return None

        return action

    return wrapped
