from django.urls import path

from investments.pages.transactions import transactions

urlpatterns = [
    path("transactions/", transactions, name="transactions"),
]
