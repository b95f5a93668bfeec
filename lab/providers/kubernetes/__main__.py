"""`python -m lab.providers.kubernetes [ENGINE_ADDRESS]`: prints its port and serves."""

import sys

from lab.providers.kubernetes.package import KubernetesPackage
from lab.providers.server import serve

serve(KubernetesPackage(), sys.argv[1:])
