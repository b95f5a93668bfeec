"""Where pods keep data: in claims with their volumes, or on the disk of their node."""
