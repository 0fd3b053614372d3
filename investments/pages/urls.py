from django.urls import path

from investments.pages import edit
from investments.pages.tax import accept_opening, tax_page
from investments.pages.transactions import transactions

urlpatterns = [
    path("tax/", tax_page, name="tax"),
    path("tax/opening/", accept_opening, name="tax_opening"),
    path("transactions/", transactions, name="transactions"),
    path("transactions/add/", edit.add, name="transaction_add"),
    path("transactions/undo/", edit.step, {"way": "undo"}, name="transactions_undo"),
    path("transactions/redo/", edit.step, {"way": "redo"}, name="transactions_redo"),
    path("transactions/<int:pk>/", edit.edit, name="transaction"),
    path("transactions/<int:pk>/void/", edit.void, name="transaction_void"),
]
