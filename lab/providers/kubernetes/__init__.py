"""Emulates the official `kubernetes` provider: any object by server-side apply, Helm releases by Helm.

Read `package` (configuration) and `instance` (a configured provider) first, then `objects.api_object` and
`releases.release`, the two kinds of resources. `connection` speaks to the API server.
"""
