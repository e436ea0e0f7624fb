"""A stand-in for Paperspace's machine API, version 1, with machines that run their startup scripts for real."""
