"""The API server of a cluster as Cilium's values name it; called where agents reach it directly."""

from __future__ import annotations

from urllib.parse import urlsplit

import pulumi


def host_and_port(url: pulumi.Input[str]) -> tuple[pulumi.Output[str | None], pulumi.Output[str]]:
    """Host and port of a URL."""
    endpoint = pulumi.Output.from_input(url)
    return (
        endpoint.apply(lambda url: urlsplit(url).hostname),
        endpoint.apply(lambda url: str(urlsplit(url).port or 443)),
    )
