"""Database statements: their normalised text, how long they take, and what became slower."""
