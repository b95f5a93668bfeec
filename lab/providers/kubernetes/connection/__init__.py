"""How the provider reaches an API server."""
