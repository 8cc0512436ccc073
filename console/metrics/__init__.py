"""The catalogue of numbers, and what people and scripts ask it for."""
