"""`make demo`: each mode of the program, run in a fresh lab and checked against the API server and AWS."""
