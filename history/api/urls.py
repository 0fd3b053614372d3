from django.urls import path

from history.api.breakdown import BreakdownView
from history.api.positions import PositionsView
from history.api.reconstruction import ReconstructionView
from history.api.series import HistoryView
from history.api.value import ValueView

urlpatterns = [
    path("api/portfolio/value", ValueView.as_view(), name="api-value"),
    path("api/portfolio/positions", PositionsView.as_view(), name="api-positions"),
    path("api/portfolio/aggregated", PositionsView.as_view(), name="api-aggregated"),
    path("api/portfolio/history", HistoryView.as_view(), name="api-history"),
    path("api/portfolio/account-breakdown", BreakdownView.as_view(), name="api-account-breakdown"),
    path("api/portfolio/reconstruction", ReconstructionView.as_view(), name="api-reconstruction"),
]
