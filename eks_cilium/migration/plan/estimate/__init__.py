"""How long a migration takes, and what its pace is bounded by."""
