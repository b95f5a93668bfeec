"""`make demo`: the program's main jobs, run in the lab from nothing and checked against the API server."""
