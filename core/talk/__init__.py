"""Talking to models in threads."""
