"""The Python program as a process, and the services it calls."""
