"""A small world in memory: an API server, the controllers behind it, and Auto Scaling with AWS's refusals.

Time passes only when the program under test sleeps. That program reaches it through its own clients: HTTP
over a mock transport, and objects with the methods of boto3's clients.
"""
