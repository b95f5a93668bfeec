"""An entry in the table of resource types: the properties of a type, and the calls that differ between types.

The entries are in `services`, one module per family; `resource` turns an entry into a
`lab.providers.resource.Resource`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.shapes import covers
from lab.providers.resource import Operation
from lab.providers.values import Properties


def same(left: Any, right: Any) -> bool:
    # In Python `True == 1`; in Pulumi they differ.
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


@dataclass(frozen=True)
class Input:
    """An input property: whether it is required, whether a change replaces, which values it takes.

    `cloud_decides` means that AWS chooses a value if the program gives none, so that leaving it out is no
    change. `replaces_if` decides by the values before and after, where only some changes replace.
    `fields` are the keys of a nested object (or of each object in a list); None means a plain value.
    `normal` converts the program's value to the form that is stored, `shown` to the form of the output with
    the same name. `computed` are keys of a nested object that AWS adds.
    """

    required: bool = False
    replaces: bool = False
    replaces_if: Callable[[Any, Any], bool] = field(default=lambda before, after: False)  # noqa: ARG005
    cloud_decides: bool = False
    default: Any = None
    fields: Mapping[str, "Input"] | None = None
    same: Callable[[Any, Any], bool] = same
    normal: Callable[[Any], Any] = field(default=lambda value: value)
    agrees: Callable[[Any, Any], bool] = covers
    shown: Callable[[Any], Any] = field(default=lambda value: value)
    computed: Sequence[str] = ()


def plain(*names: str) -> dict[str, Input]:
    """The fields of a nested object whose values need no description."""
    return {name: Input() for name in names}


Create = Callable[[Cloud, Properties, Operation], str]
Read = Callable[[Cloud, str, Properties], Properties | None]
Update = Callable[[Cloud, str, Properties, Properties, Operation], None]
Delete = Callable[[Cloud, str, Properties, Operation], None]
Retag = Callable[[Cloud, str, Properties, Mapping[str, str], Sequence[str]], None]
WaitReady = Callable[[Cloud, str, Operation], Sequence[str]]


@dataclass(frozen=True)
class ResourceType:
    """One resource type: its properties and its calls.

    `create` returns the id. `read` returns every property it can see, from the id and the properties in the
    state. `update` gets the old and the new inputs; without it every change of an input replaces.
    `wait_ready` waits after a create or update until the resource is usable, and returns the reasons if it
    does not become so. `changed_by_update` are outputs whose value after an update is not known in advance.
    """

    token: str
    inputs: Mapping[str, Input]
    outputs: Sequence[str]
    create: Create
    read: Read
    delete: Delete
    update: Update | None = None
    retag: Retag | None = None
    wait_ready: WaitReady | None = None
    name: str | None = None
    name_prefix: bool = True
    longest_name: int = 255
    regional: bool = True
    changed_by_update: Sequence[str] = ()

    @property
    def all_inputs(self) -> dict[str, Input]:
        """The declared inputs and those that many types share: `tags`, `region`, `namePrefix`."""
        shared: dict[str, Input] = {}
        if self.retag:
            shared["tags"] = Input(agrees=same)
        if self.regional:
            shared["region"] = Input(replaces=True, cloud_decides=True)
        if self.name:
            shared[self.name] = Input(replaces=True)
            shared |= {f"{self.name}Prefix": Input(replaces=True)} if self.name_prefix else {}
        return shared | dict(self.inputs)

    @property
    def all_outputs(self) -> tuple[str, ...]:
        """Every property that the cloud decides, including `tagsAll`."""
        return (*self.outputs, "tagsAll") if self.retag else tuple(self.outputs)
