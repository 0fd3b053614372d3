"""What is held: institutions, accounts, securities, holdings, transactions and corporate actions."""

from .account import Account
from .corporate_action import CorporateAction
from .holding import Holding
from .institution import Institution
from .security import Security
from .transaction import Transaction

__all__ = ["Account", "CorporateAction", "Holding", "Institution", "Security", "Transaction"]
