"""The tls provider, which has no configuration."""

from collections.abc import Sequence

from lab.providers.errors import NotOfferedError
from lab.providers.resource import Difference, Failure, Resource
from lab.providers.tls.kinds import KINDS
from lab.providers.tls.resource import TlsResource
from lab.providers.values import Properties

ALWAYS = frozenset({"version", "pluginDownloadURL", "__defaults"})


class TlsInstance:
    def resource(self, token: str) -> Resource:
        if token not in KINDS:
            raise NotOfferedError(f"the lab does not offer the resource type {token}")
        return TlsResource(KINDS[token])

    def invoke(self, token: str, arguments: Properties) -> Properties:  # noqa: ARG002  # the protocol's
        raise NotOfferedError(f"the lab does not offer the function {token}")


class TlsPackage:
    """The tls provider before configuration; `version` is that of the SDK."""

    name = "tls"
    version = "5.6.2"

    def check_configuration(self, configuration: Properties) -> Sequence[Failure]:
        """Refuse options that the lab would otherwise ignore."""
        unknown = sorted(set(configuration) - ALWAYS)
        return [Failure(key, f"the lab's tls provider does not offer the option '{key}'") for key in unknown]

    def diff_configuration(self, olds: Properties, news: Properties) -> Difference:  # noqa: ARG002
        return Difference()

    def configure(self, configuration: Properties) -> TlsInstance:  # noqa: ARG002  # the protocol's
        return TlsInstance()
