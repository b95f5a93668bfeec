"""`python -m lab.providers.aws [ENGINE_ADDRESS]` serves the aws provider."""

import sys

from lab.providers.aws.package import AwsPackage
from lab.providers.server import serve

if __name__ == "__main__":
    serve(AwsPackage(), sys.argv[1:])
