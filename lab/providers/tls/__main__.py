"""`python -m lab.providers.tls [ENGINE_ADDRESS]` serves the tls provider."""

import sys

from lab.providers.server import serve
from lab.providers.tls.package import TlsPackage

if __name__ == "__main__":
    serve(TlsPackage(), sys.argv[1:])
