"""The lab: an offline cloud in which the program of this repository can be run, rehearsed and tested.

Nothing outside `lab/` and `tests/` knows that it exists; docs/lab.md says what is real in it and what is
played.
"""
