from django.urls import path

from plaid_link.webhooks.views import plaid_webhook

urlpatterns = [
    path("api/webhooks/plaid", plaid_webhook, name="plaid-webhook"),
    path("webhook/plaid", plaid_webhook, name="plaid-webhook-alias"),
]
