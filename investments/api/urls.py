from django.urls import path

from investments.api.accounts import AccountViewSet
from investments.api.holdings import HoldingViewSet
from investments.api.transactions import TransactionViewSet

LIST = {"get": "list"}

urlpatterns = [
    path("api/investments/accounts", AccountViewSet.as_view(LIST), name="api-accounts"),
    path("api/investments/holdings", HoldingViewSet.as_view(LIST), name="api-holdings"),
    path("api/investments/transactions", TransactionViewSet.as_view(LIST), name="api-transactions"),
]
