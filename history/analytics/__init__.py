"""What a history means: returns, risk, and where they came from."""
