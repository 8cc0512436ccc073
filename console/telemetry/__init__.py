"""What clients sent: one DuckDB file per organization, and the queries that pages ask of it."""
