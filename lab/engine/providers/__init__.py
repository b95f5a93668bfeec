"""Provider processes, and how the engine talks to them."""
