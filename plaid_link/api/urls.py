from django.urls import path

from plaid_link.api import connections, routes

PLAID = "api/plaid/investments"

urlpatterns = [
    path(f"{PLAID}/generate_link_token", routes.GenerateLinkTokenView.as_view(), name="api-plaid-link-token"),
    path(f"{PLAID}/exchange_public_token", routes.ExchangePublicTokenView.as_view(), name="api-plaid-exchange"),
    path(f"{PLAID}/refresh", routes.RefreshView.as_view(), name="api-plaid-refresh"),
    path(f"{PLAID}/refresh_all", routes.RefreshAllView.as_view(), name="api-plaid-refresh-all"),
    path("api/portfolio/connection-status", connections.ConnectionStatusView.as_view(), name="api-connection-status"),
    path("api/investments/sync", connections.SyncView.as_view(), name="api-sync"),
]
