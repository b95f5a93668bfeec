"""What is true of a cluster before anything is decided: read once into frozen values, then never changed."""
