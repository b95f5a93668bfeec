"""What an identity that runs the program has to be allowed in AWS: the tables behind docs/iam.md.

`resources` has the actions of each type of resource, `calls` those that the program asks for itself,
`policies` puts both together for each mode and role, and `scope` limits them. Nothing of this runs in a
stack: tests compare it with the code and with the calls of whole runs in the lab.
"""
