"""What engines write on their machines, as it arrives in the log database."""
