"""The form of one entry in the table of resource types.

What is declared of a type, and the few calls that differ. The entries are in `services`, one module a family;
`generic` makes a `lab.providers.resource.Resource` of an entry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.shapes import covers
from lab.providers.resource import Operation
from lab.providers.values import Properties


def same(one: Any, other: Any) -> bool:
    """Plain equality, minding that Pulumi's `true` is not `1`."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


@dataclass(frozen=True)
class Input:
    """An input property: whether it must be given, whether a change takes a new resource, what it may hold.

    `settled` means that the cloud decides when the program does not say, so leaving it out is no change.
    `fields` are the keys of a nested object (or of each object of a list); nothing given means a plain value.
    `normal` is what a program's value is kept as, `shown` how the output of that name has it.
    `computed` are keys of a nested object that the cloud adds to what the program wrote.
    """

    required: bool = False
    replaces: bool = False
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
    """One type: its properties and its calls.

    `create` answers the id. `read` answers every property it can see, from the id and what the state knows.
    `update` gets the old and the new inputs; without it every change of an input replaces. `settle` waits
    after create and update until the thing is usable, and answers the reasons why it never became so.
    `changed_by_update` are outputs that an update changes to something unknown in advance.
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
        """The declared inputs with those that many types share: `tags`, `region`, `namePrefix`."""
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
        """Every property that the cloud decides, `tagsAll` included."""
        return (*self.outputs, "tagsAll") if self.retag else tuple(self.outputs)
