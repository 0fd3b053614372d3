from django.urls import include, path

from portfolio_site.pages import onboarding
from portfolio_site.pages.appearance import appearance
from portfolio_site.pages.home import home
from portfolio_site.pages.settings import settings

urlpatterns = [
    path("", home, name="overview"),
    path("appearance/", appearance, name="appearance"),
    path("settings/", settings, name="settings"),
    path("onboarding/", onboarding.personalise, name="onboarding"),
    path("onboarding/connect/", onboarding.connect, name="onboarding_connect"),
    path("onboarding/skip/", onboarding.skip, name="onboarding_skip"),
    path("onboarding/progress/", onboarding.progress, name="onboarding_progress"),
    path("onboarding/done/", onboarding.done, name="onboarding_done"),
    path("", include("history.pages.urls")),
    path("", include("investments.pages.urls")),
    path("", include("plaid_link.pages.urls")),
]
