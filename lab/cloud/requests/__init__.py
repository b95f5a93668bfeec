"""AWS requests over HTTP: parsed, verified, logged, refused."""
