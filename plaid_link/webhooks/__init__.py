"""Plaid's webhooks: verified, stored as rows, answered at once, handled later with one effect."""
