"""What is held: institutions, accounts, securities, holdings, transactions and corporate actions."""

from .account import Account
from .corporate_action import CorporateAction
from .holding import Holding
from .institution import Institution
from .lots import LotPick, OwnerLots, RealizedLot, TaxLot, WashSale
from .security import Security
from .tax_rules import IdenticalGroup, IdenticalSecurity, TaxRules
from .transaction import Transaction

__all__ = [
    "Account",
    "CorporateAction",
    "Holding",
    "IdenticalGroup",
    "IdenticalSecurity",
    "Institution",
    "LotPick",
    "OwnerLots",
    "RealizedLot",
    "Security",
    "TaxLot",
    "TaxRules",
    "Transaction",
    "WashSale",
]
