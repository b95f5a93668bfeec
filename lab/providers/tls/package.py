"""The tls provider, which has nothing to configure."""

from collections.abc import Sequence

from lab.providers.errors import NotOfferedError
from lab.providers.resource import Difference, Failure, Resource
from lab.providers.tls.kinds import KINDS
from lab.providers.tls.resource import TlsResource
from lab.providers.values import Properties

ALWAYS = frozenset({"version", "pluginDownloadURL", "__defaults"})


class TlsInstance:
    """The provider; all instances are alike."""

    def resource(self, token: str) -> Resource:
        """The resource type of a token."""
        if token not in KINDS:
            raise NotOfferedError(f"the lab does not offer the resource type {token}")
        return TlsResource(KINDS[token])

    def invoke(self, token: str, arguments: Properties) -> Properties:  # noqa: ARG002  # the protocol's
        """There are no functions."""
        raise NotOfferedError(f"the lab does not offer the function {token}")


class TlsPackage:
    """The tls provider before configuration; the version is that of the SDK it stands in for."""

    name = "tls"
    version = "5.6.2"

    def check_configuration(self, configuration: Properties) -> Sequence[Failure]:
        """Refuse options that would be ignored here."""
        unknown = sorted(set(configuration) - ALWAYS)
        return [Failure(key, f"the lab's tls provider does not offer the option '{key}'") for key in unknown]

    def diff_configuration(self, olds: Properties, news: Properties) -> Difference:  # noqa: ARG002
        """Nothing to differ in."""
        return Difference()

    def configure(self, configuration: Properties) -> TlsInstance:  # noqa: ARG002  # the protocol's
        """The instance."""
        return TlsInstance()
