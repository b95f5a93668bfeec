"""The stand-in for Pulumi's `tls` provider: keys, requests and certificates, really made by `cryptography`.

Nothing of it depends on a cloud: what it makes would serve outside the lab as well.
"""
