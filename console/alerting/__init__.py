"""Alert rules: what they watch, what they decide and why, and the incidents that they open."""
