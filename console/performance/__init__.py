"""Performance: endpoints, traces, database statements, web vitals, and what is wrong with them."""
