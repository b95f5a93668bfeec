"""The nodes a migration replaces, recorded once, and the marks it writes on them."""
