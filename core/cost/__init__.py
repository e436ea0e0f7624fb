"""What servers cost, and what they may."""
