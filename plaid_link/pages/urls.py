from django.urls import path

from plaid_link.pages import actions
from plaid_link.pages.connections import connections

urlpatterns = [
    path("connections/", connections, name="connections"),
    path("connections/<int:pk>/refresh/", actions.refresh, name="connection_refresh"),
    path("connections/<int:pk>/disconnect/", actions.disconnect, name="connection_disconnect"),
]
