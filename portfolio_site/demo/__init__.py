"""The whole product on one machine: engines, a local Plaid server, web, worker and beat, with people who use them.

The supervisor (`python -m portfolio_site.demo`) needs no Django: it starts processes, and speaks to them over HTTP like
any client.
"""
