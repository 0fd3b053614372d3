from django.urls import include, path

from portfolio_site.pages import access, onboarding, privacy
from portfolio_site.pages.appearance import appearance
from portfolio_site.pages.home import home
from portfolio_site.pages.lot_methods import lot_methods
from portfolio_site.pages.offline import offline, service_worker
from portfolio_site.pages.settings import settings
from portfolio_site.pages.terms import terms

urlpatterns = [
    path("", home, name="overview"),
    path("offline/", offline, name="offline"),
    path("worker.js", service_worker, name="service_worker"),
    path("appearance/", appearance, name="appearance"),
    path("terms/", terms, name="terms"),
    path("settings/", settings, name="settings"),
    path("settings/lots/", lot_methods, name="lot_methods"),
    path("settings/data/", privacy.take_away, name="take_away"),
    path("settings/leave/", privacy.leave, name="leave"),
    path("settings/sessions/<int:pk>/end/", access.end_session, name="session_end"),
    path("settings/sessions/end/", access.end_other_sessions, name="sessions_end"),
    path("settings/programs/<int:pk>/end/", access.end_program, name="program_end"),
    path("settings/programs/end/", access.end_programs, name="programs_end"),
    path("onboarding/", onboarding.personalise, name="onboarding"),
    path("onboarding/connect/", onboarding.connect, name="onboarding_connect"),
    path("onboarding/skip/", onboarding.skip, name="onboarding_skip"),
    path("onboarding/progress/", onboarding.progress, name="onboarding_progress"),
    path("onboarding/done/", onboarding.done, name="onboarding_done"),
    path("", include("history.pages.urls")),
    path("", include("investments.pages.urls")),
    path("", include("plaid_link.pages.urls")),
]
