"""The emulated `tls` provider: keys, requests and certificates, created with `cryptography`.

It needs no cloud; its keys and certificates are valid outside the lab as well.
"""
