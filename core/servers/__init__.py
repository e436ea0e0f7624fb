"""Machines that each serve one model, from order to deletion."""
