"""What the console finds by itself in finished requests: issues for flaws, and their fixes."""
