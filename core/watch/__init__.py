"""What servers are doing, whether that is true, and what becomes of those that nobody uses."""
