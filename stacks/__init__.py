"""One program for each mode: read what exists, check it, register resources, export what people need.

`__main__.py` reads the configuration and calls the `run` of the mode.
"""
