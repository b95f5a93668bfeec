"""Names of resources: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`, and references to providers.

A provider reference is the URN and the id of a provider, joined by `::`; the id is unknown while the provider
is only planned.
"""

from __future__ import annotations

from typing import NamedTuple

STACK_TYPE = "pulumi:pulumi:Stack"
STACK_REFERENCE_TYPE = "pulumi:pulumi:StackReference"
PROVIDER_PREFIX = "pulumi:providers:"


class Urn(NamedTuple):
    """The parts of a URN."""

    stack: str
    project: str
    qualified_type: str
    name: str

    @property
    def type(self) -> str:
        """The resource's own type, without the types of its parents."""
        return self.qualified_type.rpartition("$")[2]

    def __str__(self) -> str:
        return f"urn:pulumi:{self.stack}::{self.project}::{self.qualified_type}::{self.name}"


def parse(urn: str) -> Urn:
    # A name may contain `::`, hence the limit on the split.
    head, project, qualified_type, name = urn.split("::", 3)
    return Urn(head.removeprefix("urn:pulumi:"), project, qualified_type, name)


def make(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource under a parent; the stack as a parent is not part of it."""
    prefix = parse(parent).qualified_type if parent else ""
    qualified = f"{prefix}${type_}" if prefix and prefix != STACK_TYPE else type_
    return str(Urn(stack, project, qualified, name))


def name_of(urn: str) -> str:
    return parse(urn).name


def type_of(urn: str) -> str:
    return parse(urn).type


def is_provider(type_: str) -> bool:
    return type_.startswith(PROVIDER_PREFIX)


def package_of(type_: str) -> str:
    """The package that serves a type: its first part or, for a provider, the provider's own package."""
    return type_.removeprefix(PROVIDER_PREFIX) if is_provider(type_) else type_.partition(":")[0]


class ProviderReference(NamedTuple):
    """The configured provider of a resource."""

    urn: str
    id: str

    def __str__(self) -> str:
        return f"{self.urn}::{self.id}"


def parse_reference(text: str) -> ProviderReference:
    urn, _, identifier = text.rpartition("::")
    return ProviderReference(urn, identifier)


def short_type(type_: str) -> str:
    """The type as displays show it: `aws:ec2/vpc:Vpc` becomes `aws:ec2:Vpc`."""
    package, _, rest = type_.partition(":")
    module, separator, name = rest.rpartition(":")
    head, _, last = module.rpartition("/")
    if separator and head and last.lower() == name.lower():
        module = head
    return f"{package}:{module}:{name}" if separator else type_
