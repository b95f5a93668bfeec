"""The command line of the engine: arguments and commands."""
