from django.urls import path

from plaid_link.pages import actions, imports
from plaid_link.pages.connections import connections

urlpatterns = [
    path("connections/", connections, name="connections"),
    path("connections/<int:pk>/refresh/", actions.refresh, name="connection_refresh"),
    path("connections/accounts/<int:pk>/place/", actions.place, name="connection_place"),
    path("import/", imports.imports, name="imports"),
    path("import/<int:pk>/", imports.wizard, name="import"),
    path("import/<int:pk>/answer/", imports.answer, name="import_answer"),
    path("import/<int:pk>/confirm/", imports.confirm, name="import_confirm"),
    path("import/<int:pk>/undo/", imports.undo, name="import_undo"),
    path("import/<int:pk>/discard/", imports.discard, name="import_discard"),
    path("connections/<int:pk>/disconnect/", actions.disconnect, name="connection_disconnect"),
]
