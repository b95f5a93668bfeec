"""What a stack remembers: resources, their names and property values, and the state file."""
