"""What is true of a cluster before anything is decided: read once, then only looked at."""
