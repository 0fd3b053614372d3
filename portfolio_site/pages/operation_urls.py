from django.contrib import admin
from django.urls import path

from portfolio_site.pages.operations import runbook

urlpatterns = [path("<slug:name>/", admin.site.admin_view(runbook), name="runbook")]
