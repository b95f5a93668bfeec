"""`python -m lab.providers.eks [ENGINE_ADDRESS]` serves the eks component provider."""

import sys

from lab.providers.eks.server import serve

if __name__ == "__main__":
    serve(sys.argv[1:])
