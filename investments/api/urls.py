from django.urls import path

from investments.api.account_rows import AccountRowViewSet
from investments.api.accounts import AccountViewSet
from investments.api.exports import DataExport, TransactionExport
from investments.api.holdings import HoldingViewSet
from investments.api.instruments import CorporateActionViewSet, InstrumentViewSet
from investments.api.ledger import LedgerViewSet
from investments.api.lot_choices import LotMethodView, LotPicksView
from investments.api.reconciliation import ReconciliationView
from investments.api.tax import (
    Form8949CsvView,
    Form8949View,
    GainsView,
    LotViewSet,
    WashSalesView,
)
from investments.api.tax_rules import IdenticalGroupsView, IdenticalGroupView, TaxRulesView
from investments.api.transactions import TransactionViewSet

LIST = {"get": "list"}
ONE = {"get": "retrieve"}
FILE = {"get": "export"}
ROW = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    path("api/investments/accounts", AccountViewSet.as_view(LIST), name="api-accounts"),
    path("api/investments/holdings", HoldingViewSet.as_view(LIST), name="api-holdings"),
    path("api/investments/transactions", TransactionViewSet.as_view(LIST), name="api-transactions"),
    path("api/investments/transactions/export.csv", TransactionExport.as_view(FILE), name="api-transactions-export"),
    path("api/v1/export", DataExport.as_view(FILE), name="api-export"),
    path("api/v1/accounts", AccountRowViewSet.as_view(LIST | {"post": "create"}), name="api-account-rows"),
    path("api/v1/accounts/<int:pk>", AccountRowViewSet.as_view(ROW), name="api-account-row"),
    path("api/v1/instruments", InstrumentViewSet.as_view(LIST | {"post": "create"}), name="api-instruments"),
    path("api/v1/instruments/<int:pk>", InstrumentViewSet.as_view(ONE), name="api-instrument"),
    path("api/v1/corporate-actions", CorporateActionViewSet.as_view(LIST), name="api-corporate-actions"),
    path("api/v1/corporate-actions/<int:pk>", CorporateActionViewSet.as_view(ONE), name="api-corporate-action"),
    path("api/v1/transactions", LedgerViewSet.as_view(LIST | {"post": "create"}), name="api-ledger"),
    path("api/v1/transactions/<int:pk>", LedgerViewSet.as_view(ROW), name="api-ledger-row"),
    path(
        "api/v1/transactions/<int:pk>/versions",
        LedgerViewSet.as_view({"get": "versions"}, pagination_class=None, filterset_class=None),
        name="api-ledger-versions",
    ),
    path("api/v1/transactions/<int:pk>/restore", LedgerViewSet.as_view({"post": "restore"}), name="api-ledger-restore"),
    path("api/v1/lots", LotViewSet.as_view(LIST), name="api-lots"),
    path("api/v1/tax/gains", GainsView.as_view(), name="api-tax-gains"),
    path("api/v1/tax/form-8949", Form8949View.as_view(), name="api-tax-8949"),
    path("api/v1/tax/form-8949.csv", Form8949CsvView.as_view(), name="api-tax-8949-csv"),
    path("api/v1/tax/wash-sales", WashSalesView.as_view(), name="api-tax-wash-sales"),
    path("api/v1/tax/rules", TaxRulesView.as_view(), name="api-tax-rules"),
    path("api/v1/tax/identical-groups", IdenticalGroupsView.as_view(), name="api-identical-groups"),
    path("api/v1/tax/identical-groups/<int:pk>", IdenticalGroupView.as_view(), name="api-identical-group"),
    path("api/v1/reconciliation", ReconciliationView.as_view(), name="api-reconciliation"),
    path("api/v1/accounts/<int:pk>/lot-method", LotMethodView.as_view(), name="api-lot-method"),
    path("api/v1/transactions/<int:pk>/lots", LotPicksView.as_view(), name="api-lot-picks"),
]
