"""The project and stack files, and what is encrypted in them."""
