from django.urls import path

from plaid_link.api import connections, imports, routes

PLAID = "api/plaid/investments"

urlpatterns = [
    path(f"{PLAID}/generate_link_token", routes.GenerateLinkTokenView.as_view(), name="api-plaid-link-token"),
    path(f"{PLAID}/exchange_public_token", routes.ExchangePublicTokenView.as_view(), name="api-plaid-exchange"),
    path(f"{PLAID}/refresh", routes.RefreshView.as_view(), name="api-plaid-refresh"),
    path(f"{PLAID}/refresh_all", routes.RefreshAllView.as_view(), name="api-plaid-refresh-all"),
    path("api/portfolio/connection-status", connections.ConnectionStatusView.as_view(), name="api-connection-status"),
    path(
        "api/portfolio/unplaced-accounts/<int:pk>",
        connections.PlaceAccountView.as_view(),
        name="api-unplaced-account",
    ),
    path("api/v1/import", imports.ImportListView.as_view(), name="api-imports"),
    path("api/v1/import/<int:pk>", imports.ImportView.as_view(), name="api-import"),
    path("api/v1/import/<int:pk>/rows", imports.ImportRowsView.as_view(), name="api-import-rows"),
    path("api/v1/import/<int:pk>/confirm", imports.ImportConfirmView.as_view(), name="api-import-confirm"),
    path("api/v1/import/<int:pk>/undo", imports.ImportUndoView.as_view(), name="api-import-undo"),
    path("api/investments/sync", connections.SyncView.as_view(), name="api-sync"),
    path("api/portfolio/refresh", connections.RefreshView.as_view(), name="api-portfolio-refresh"),
]
