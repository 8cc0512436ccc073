"""Ways out of the console: each channel sends one kind of message, whoever asks for it."""
