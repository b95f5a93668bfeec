"""How the record keeps what one ConfigMap could not hold."""
