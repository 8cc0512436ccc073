"""The loss ledger: what became of everything that was sent, counted and shown."""
