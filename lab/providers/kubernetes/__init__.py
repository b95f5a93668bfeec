"""A stand-in for the official `kubernetes` provider: any object by server-side apply, Helm releases by Helm.

The order of reading: `package` (configuration), `instance` (one configured provider), `api_object` and
`release` (the two kinds of resources); below them `api` and `discovery` speak to the API server and `helm`
runs Helm.
"""
