"""Ways out of the console: each sends one kind of message and knows nothing of who asks."""
