"""/v1 of the cloud: importing this fills the table of routes."""

from lab.paperspace.api import machines, others, scripts

__all__ = ["machines", "others", "scripts"]
