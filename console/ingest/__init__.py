"""What clients send: accepted, spooled, decoded, scrubbed and committed exactly once."""
