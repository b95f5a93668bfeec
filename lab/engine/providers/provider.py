"""What the engine wants of a provider, be it a process (`plugins`) or part of the engine (`builtin`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.engine.state import values

if TYPE_CHECKING:
    from lab.engine.providers.diff import Diff
    from lab.engine.state.resources import Resource


@dataclass(frozen=True)
class Failure:
    """One reason why inputs are refused; without a property it is about the resource."""

    property: str
    reason: str


@dataclass(frozen=True)
class ReadResult:
    """What a provider found; an empty id means the resource is gone."""

    id: str
    outputs: values.Properties
    inputs: values.Properties | None


Checked = tuple[values.Properties, list[Failure]]


class Provider:
    """One provider with one configuration."""

    package: str
    configured: bool
    """False while the configuration is unknown, in a preview."""

    def end(self) -> None:
        """End it."""

    def check_config(
        self, urn: str, olds: values.Properties, news: values.Properties, *, preview: bool
    ) -> Checked:
        """The provider's own inputs, checked."""
        raise NotImplementedError

    def diff_config(self, old: Resource, news: values.Properties) -> Diff:
        """Whether a changed configuration still serves the resources made with the old one."""
        raise NotImplementedError

    def configure(self, urn: str, identifier: str, inputs: values.Properties) -> None:
        """Give the provider its configuration; one that is not known yet leaves it unconfigured."""
        raise NotImplementedError

    def check(self, urn: str, olds: values.Properties, news: values.Properties, *, preview: bool) -> Checked:
        """The inputs with the provider's defaults in them, and what is wrong with them."""
        raise NotImplementedError

    def diff(self, old: Resource, news: values.Properties, ignore: list[str], *, preview: bool) -> Diff:
        """What changing a resource's inputs would mean."""
        raise NotImplementedError

    def create(
        self, urn: str, inputs: values.Properties, timeout: float, *, preview: bool
    ) -> tuple[str, values.Properties]:
        """Make a resource: its id and outputs. In a preview there is no id and little may be known."""
        raise NotImplementedError

    def update(
        self, old: Resource, news: values.Properties, timeout: float, ignore: list[str], *, preview: bool
    ) -> values.Properties:
        """Change a resource: its new outputs."""
        raise NotImplementedError

    def delete(self, old: Resource, timeout: float) -> None:
        """Delete a resource."""
        raise NotImplementedError

    def read(
        self, urn: str, identifier: str, inputs: values.Properties, outputs: values.Properties
    ) -> ReadResult:
        """Look a resource up."""
        raise NotImplementedError

    def invoke(self, token: str, arguments: values.Properties, *, preview: bool) -> Checked:
        """Call a function."""
        raise NotImplementedError

    def call(self, request: Any) -> Any:
        """Call a method of a component."""
        raise NotImplementedError

    def construct(self, request: Any) -> Any:
        """Have a component made; it registers its children with the engine itself."""
        raise NotImplementedError
