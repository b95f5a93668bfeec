"""Displays of a run: live rows, the plan as a tree or property by property, and JSON."""
