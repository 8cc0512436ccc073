"""What people and scripts ask of the performance pages."""
