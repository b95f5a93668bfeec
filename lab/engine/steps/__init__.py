"""Which operations each resource needs, and their execution."""
