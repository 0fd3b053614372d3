from django.urls import path

from portfolio_site.api import health, jobs, schema, tokens

urlpatterns = [
    path("health", health.LiveView.as_view(), name="health"),
    path("health/ready", health.ReadyView.as_view(), name="health-ready"),
    path("api/auth/token/", tokens.ObtainTokenView.as_view(), name="api-token"),
    path("api/auth/token/refresh/", tokens.RefreshTokenView.as_view(), name="api-token-refresh"),
    path("api/auth/token/logout/", tokens.RevokeTokenView.as_view(), name="api-token-logout"),
    path("api/jobs/<uuid:pk>", jobs.JobViewSet.as_view({"get": "retrieve"}), name="api-job"),
    path("api/schema/", schema.SchemaView.as_view(), name="api-schema"),
    path("api/docs/", schema.DocsView.as_view(), name="api-docs"),
]
