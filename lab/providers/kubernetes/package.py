"""The `kubernetes` provider before it is configured: judges its inputs and makes instances."""

from collections.abc import Sequence

from lab.providers.kubernetes import configuration
from lab.providers.kubernetes.instance import KubernetesInstance
from lab.providers.resource import Difference, Failure
from lab.providers.values import Properties

VERSION = "4.34.2"


class KubernetesPackage:
    """Stands in for the official plugin of the same name and version."""

    name = "kubernetes"
    version = VERSION

    def check_configuration(self, given: Properties) -> Sequence[Failure]:
        """Refuse inputs that nobody knows."""
        return configuration.check(given)

    def diff_configuration(self, olds: Properties, news: Properties) -> Difference:
        """Whether it is still the same cluster."""
        return configuration.difference(olds, news)

    def configure(self, given: Properties) -> KubernetesInstance:
        """Ready for calls; the API server is only spoken to when a resource needs it."""
        return KubernetesInstance(configuration.Configuration.read(given))
