from django.urls import path

from investments.pages import by_hand, edit, tax_rules
from investments.pages.form8949 import form_8949_page
from investments.pages.tax import accept_opening, tax_page
from investments.pages.transactions import transactions

urlpatterns = [
    path("connections/by-hand/", by_hand.open_account, name="account_by_hand"),
    path("connections/by-hand/<int:pk>/close/", by_hand.close_account, name="account_close"),
    path("tax/", tax_page, name="tax"),
    path("tax/form-8949/", form_8949_page, name="form_8949"),
    path("tax/opening/", accept_opening, name="tax_opening"),
    path("tax/rules/", tax_rules.tax_rules, name="tax_rules"),
    path("tax/rules/same-lot/", tax_rules.read_same_lot, name="tax_rules_same_lot"),
    path("tax/rules/groups/", tax_rules.save_group, name="tax_rules_new_group"),
    path("tax/rules/groups/<int:pk>/", tax_rules.save_group, name="tax_rules_group"),
    path("tax/rules/groups/<int:pk>/remove/", tax_rules.forget_group, name="tax_rules_forget"),
    path("transactions/", transactions, name="transactions"),
    path("transactions/add/", edit.add, name="transaction_add"),
    path("transactions/undo/", edit.step, {"way": "undo"}, name="transactions_undo"),
    path("transactions/redo/", edit.step, {"way": "redo"}, name="transactions_redo"),
    path("transactions/<int:pk>/", edit.edit, name="transaction"),
    path("transactions/<int:pk>/void/", edit.void, name="transaction_void"),
]
