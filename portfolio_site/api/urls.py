from django.urls import path

from portfolio_site.api import activities, consents, health, jobs, schema, tokens, user
from portfolio_site.api.metrics import metrics

urlpatterns = [
    path("health", health.LiveView.as_view(), name="health"),
    path("health/ready", health.ReadyView.as_view(), name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("api/auth/token/", tokens.ObtainTokenView.as_view(), name="api-token"),
    path("api/auth/token/refresh/", tokens.RefreshTokenView.as_view(), name="api-token-refresh"),
    path("api/auth/token/logout/", tokens.RevokeTokenView.as_view(), name="api-token-logout"),
    path("api/portfolio/activities", activities.ActivitiesView.as_view(), name="api-activities"),
    path("api/v1/user/export", user.ExportView.as_view(), name="api-user-export"),
    path("api/v1/user/consents", consents.ConsentsView.as_view(), name="api-consents"),
    path("api/v1/user", user.UserView.as_view(), name="api-user"),
    path("api/jobs/<uuid:pk>", jobs.JobViewSet.as_view({"get": "retrieve"}), name="api-job"),
    path("api/schema/", schema.SchemaView.as_view(), name="api-schema"),
    path("api/docs/", schema.DocsView.as_view(), name="api-docs"),
]
