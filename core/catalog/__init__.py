"""What can be rented and what can be run on it."""
