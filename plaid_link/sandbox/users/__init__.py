"""The users that can be linked here, by the name that real Plaid's sandbox would take as `override_username`."""

from .custom import custom_books
from .directory import BUILT_IN, BuiltIn, books_of

__all__ = ["BUILT_IN", "BuiltIn", "books_of", "custom_books"]
