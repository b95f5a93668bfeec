"""The project file, the stack files, and the commands' access to both."""
