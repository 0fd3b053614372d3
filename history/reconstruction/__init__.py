"""Histories rebuilt: books out of PostgreSQL as arrays, walked back, and days written where they differ."""
