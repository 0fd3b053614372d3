"""Market data: symbols, prices, quotes, rates and corporate actions, out of one store that serves every user."""
