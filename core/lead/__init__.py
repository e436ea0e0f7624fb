"""Which replica does what only one may do."""
