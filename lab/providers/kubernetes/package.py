"""The `kubernetes` provider before it is configured: checks its inputs and creates instances."""

from collections.abc import Sequence

from lab.providers.kubernetes import configuration
from lab.providers.kubernetes.instance import KubernetesInstance
from lab.providers.resource import Difference, Failure
from lab.providers.values import Properties

VERSION = "4.34.2"


class KubernetesPackage:
    """Emulates the official plugin of the same name and version."""

    name = "kubernetes"
    version = VERSION

    def check_configuration(self, given: Properties) -> Sequence[Failure]:
        return configuration.check(given)

    def diff_configuration(self, olds: Properties, news: Properties) -> Difference:
        return configuration.difference(olds, news)

    def configure(self, given: Properties) -> KubernetesInstance:
        """A configured provider; the API server is not asked before a resource needs it."""
        return KubernetesInstance(configuration.Configuration.read(given))
