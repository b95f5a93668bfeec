"""The lab: an offline cloud in which the program of this repository can be run, rehearsed and tested.

Nothing outside `lab/` and `tests/` depends on it. docs/lab.md lists what is real in it and what is emulated.
"""
