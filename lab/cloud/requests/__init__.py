"""AWS requests on the wire: parsed, verified, logged, refused."""
