"""A local Plaid server: Plaid's API for investments over real HTTP, with a memory, and users whose books balance.

Nothing here needs Django; `manage.py plaid_sandbox` and `python -m plaid_link.sandbox` both run it.
"""
