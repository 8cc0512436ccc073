"""What machines sent: one DuckDB database per organization, asked in the words of the domain."""
