"""Names of resources: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`, and references to providers.

A provider reference is a provider's urn and id joined by `::`; its id is unknown while the provider is
only planned.
"""

from __future__ import annotations

from typing import NamedTuple

STACK_TYPE = "pulumi:pulumi:Stack"
STACK_REFERENCE_TYPE = "pulumi:pulumi:StackReference"
PROVIDER_PREFIX = "pulumi:providers:"


class Urn(NamedTuple):
    """A urn taken apart."""

    stack: str
    project: str
    qualified_type: str
    name: str

    @property
    def type(self) -> str:
        """The resource's own type, without those of its parents."""
        return self.qualified_type.rpartition("$")[2]

    def __str__(self) -> str:
        return f"urn:pulumi:{self.stack}::{self.project}::{self.qualified_type}::{self.name}"


def parse(urn: str) -> Urn:
    """Take a urn apart; names may hold `::` themselves."""
    head, project, qualified_type, name = urn.split("::", 3)
    return Urn(head.removeprefix("urn:pulumi:"), project, qualified_type, name)


def make(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The urn of a resource under a parent; the stack itself does not qualify its children."""
    prefix = parse(parent).qualified_type if parent else ""
    qualified = f"{prefix}${type_}" if prefix and prefix != STACK_TYPE else type_
    return str(Urn(stack, project, qualified, name))


def name_of(urn: str) -> str:
    """The resource's name within its type."""
    return parse(urn).name


def type_of(urn: str) -> str:
    """The resource's own type."""
    return parse(urn).type


def is_provider(type_: str) -> bool:
    """Whether resources of this type are providers of others."""
    return type_.startswith(PROVIDER_PREFIX)


def package_of(type_: str) -> str:
    """The package that serves a type: its first part, or the provider's own package."""
    return type_.removeprefix(PROVIDER_PREFIX) if is_provider(type_) else type_.partition(":")[0]


class ProviderReference(NamedTuple):
    """Which configured provider looks after a resource."""

    urn: str
    id: str

    def __str__(self) -> str:
        return f"{self.urn}::{self.id}"


def parse_reference(text: str) -> ProviderReference:
    """Take a provider reference apart."""
    urn, _, identifier = text.rpartition("::")
    return ProviderReference(urn, identifier)


def short_type(type_: str) -> str:
    """`aws:ec2/vpc:Vpc` as people read it: `aws:ec2:Vpc`."""
    package, _, rest = type_.partition(":")
    module, separator, name = rest.rpartition(":")
    head, _, last = module.rpartition("/")
    if separator and head and last.lower() == name.lower():
        module = head
    return f"{package}:{module}:{name}" if separator else type_
