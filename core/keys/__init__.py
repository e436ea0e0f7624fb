"""The credentials of clouds."""
