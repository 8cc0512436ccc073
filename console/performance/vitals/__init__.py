"""Web vitals: cards, charts and phases of what browsers measured."""
