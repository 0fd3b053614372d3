from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# Operators sign in as everybody does: with lock-out and second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Longview operations"
admin.site.index_title = "How it stands"

urlpatterns = [
    # What programs ask comes first: patterns are tried one by one.
    path("", include("history.api.urls")),
    path("", include("investments.api.urls")),
    path("", include("portfolio_site.api.urls")),
    path("", include("plaid_link.webhooks.urls")),
    path("", include("plaid_link.api.urls")),
    path("admin/runbooks/", include("portfolio_site.pages.operation_urls")),
    path("admin/", admin.site.urls),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("", include("portfolio_site.pages.urls")),
]

handler400 = "portfolio_site.api.fallbacks.bad_request"
handler403 = "portfolio_site.api.fallbacks.permission_denied"
handler404 = "portfolio_site.api.fallbacks.page_not_found"
handler500 = "portfolio_site.api.fallbacks.server_error"
