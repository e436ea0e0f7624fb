"""What runs on a machine: a folder for its disk, real processes, and stand-ins for the programs that need root."""
