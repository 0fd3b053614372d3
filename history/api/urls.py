from django.urls import path

from history.api.allocation import AllocationView, BroadAllocationView
from history.api.analytics import AnalyticsView, VersionsView
from history.api.anomalies import AnomaliesView
from history.api.assets import AssetView, BulkPricesView, SecurityView
from history.api.attribution import AttributionView
from history.api.breakdown import BreakdownView
from history.api.income import CalendarFileView, CalendarView, IncomeView, PreferenceView
from history.api.positions import PositionsView
from history.api.quotes import QuoteView
from history.api.reconstruction import ReconstructionView
from history.api.series import HistoryView
from history.api.snapshots import SnapshotRunView, SnapshotStatusView
from history.api.value import ValueView

urlpatterns = [
    path("api/v1/income", IncomeView.as_view(), name="api-income"),
    path("api/v1/income/calendar", CalendarView.as_view(), name="api-income-calendar"),
    path("api/v1/income/calendar.ics", CalendarFileView.as_view(), name="api-income-calendar-file"),
    path("api/v1/income/preferences/<int:pk>", PreferenceView.as_view(), name="api-income-preference"),
    path("api/portfolio/value", ValueView.as_view(), name="api-value"),
    path("api/portfolio/positions", PositionsView.as_view(), name="api-positions"),
    path("api/portfolio/aggregated", PositionsView.as_view(), name="api-aggregated"),
    path("api/portfolio/history", HistoryView.as_view(), name="api-history"),
    path("api/portfolio/account-breakdown", BreakdownView.as_view(), name="api-account-breakdown"),
    path("api/portfolio/analytics", AnalyticsView.as_view(), name="api-analytics"),
    path("api/v1/calculation-versions", VersionsView.as_view(), name="api-calculation-versions"),
    path("api/portfolio/allocation", AllocationView.as_view(), name="api-allocation"),
    path(
        "api/portfolio/cash-stock-bond-allocation",
        BroadAllocationView.as_view(),
        name="api-cash-stock-bond-allocation",
    ),
    path("api/portfolio/attribution", AttributionView.as_view(), name="api-attribution"),
    path("api/portfolio/anomalies", AnomaliesView.as_view(), name="api-anomalies"),
    path("api/portfolio/reconstruction", ReconstructionView.as_view(), name="api-reconstruction"),
    path("api/portfolio/snapshots/status", SnapshotStatusView.as_view(), name="api-snapshots-status"),
    path("api/portfolio/snapshots/run", SnapshotRunView.as_view(), name="api-snapshots-run"),
    path("api/investments/securities/<int:pk>", SecurityView.as_view(), name="api-security"),
    path("api/assets/<str:symbol>", AssetView.as_view(), name="api-asset"),
    path("api/v1/prices/bulk", BulkPricesView.as_view(), name="api-prices-bulk"),
    path("api/quote/<str:symbol>", QuoteView.as_view(), name="api-quote"),
]
