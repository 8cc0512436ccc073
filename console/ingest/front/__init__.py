"""The way in: each request on granian's event loop, its body, and its place among others."""
