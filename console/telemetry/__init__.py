"""What machines sent: one DuckDB database per organization, written in batches, asked in the words of the domain."""
