"""The processes that the engine starts, and how they end."""
