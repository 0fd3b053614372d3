"""Importing a file: it is kept, read as a job into lines to look at, and stored whole when its owner confirms.

`batches` is what pages and API call; `planning` reads a file into lines, `storing` writes them through the ledger and
takes them back, `jobs` runs both in the background.
"""
