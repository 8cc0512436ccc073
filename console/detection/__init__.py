"""What the console finds by itself in finished requests: findings, their issues, their fixes."""
