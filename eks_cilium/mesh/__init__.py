"""What joining clusters is, free of Pulumi: facts of each, checks between them, and gates.

`stacks.mesh` reads the facts and has them checked before it registers anything; `dynamic/` opens the gates.
Nothing here changes a cluster or a network.
"""
