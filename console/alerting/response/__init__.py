"""How fast incidents were noticed and answered, by whom, and which incidents show it."""
