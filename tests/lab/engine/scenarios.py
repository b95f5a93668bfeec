"""The scenario table: programs, commands on them, and the expected results.

Our engine is tested against this table; where the Pulumi CLI is installed, both engines run it and their
calls are compared. Items have letters as names; `a-1` is the first item created for `a`.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Stage:
    """One command on one version of the program."""

    resources: list[dict[str, Any]] = field(default_factory=list)
    verb: str = "up"
    arguments: tuple[str, ...] = ()
    exports: dict[str, Any] = field(default_factory=dict)
    raises: str = ""
    # Items changed (or, with None, deleted) without the engine's knowledge before the command.
    world: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    code: int = 0
    # The calls that change the world.
    changes: list[str] = field(default_factory=list)
    # The resources in the state afterwards, without stack and default providers: `name id flags...`.
    left: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scenario:
    name: str
    stages: list[Stage]
    # Whether the calls of two runs can be compared; not if several operations fail in parallel.
    exact: bool = True


def item(name: str, *, options: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    return {"name": name, "inputs": inputs, "options": options or {}}


def other(kind: str, name: str, *, options: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "inputs": inputs, "options": options or {}}


def ref(text: str) -> dict[str, str]:
    return {"ref": text}


SCENARIOS = [
    Scenario(
        "create, nothing to do, update, delete",
        [
            Stage([item("a", size=1)], changes=["create a"], left=["a a-1"], exports={"arn": ref("a.arn")}),
            Stage([item("a", size=1)], left=["a a-1"], exports={"arn": ref("a.arn")}),
            Stage([item("a", size=2)], changes=["update a-1"], left=["a a-1"]),
            Stage([], changes=["delete a-1"]),
        ],
    ),
    Scenario(
        "dependents are created after and deleted before",
        [
            Stage(
                [item("a"), item("b", label=ref("a.arn")), item("c", options={"depends_on": ["b"]})],
                changes=["create a", "create b", "create c"],
                left=["a a-1", "b b-1", "c c-1"],
            ),
            Stage(verb="destroy", changes=["delete a-1", "delete b-1", "delete c-1"]),
        ],
    ),
    Scenario(
        "a replacement is created before the old one is deleted",
        [
            Stage(
                [item("a", zone="x"), item("b", label=ref("a.arn"))],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                [item("a", zone="y"), item("b", label=ref("a.arn"))],
                changes=["create a", "delete a-1", "update b-1"],
                left=["a a-2", "b b-1"],
            ),
        ],
    ),
    Scenario(
        "a chain is deleted before it is replaced",
        [
            Stage(
                [
                    item("a", zone="x", early=True),
                    item("b", zone=ref("a.arn")),
                    item("c", label=ref("b.arn")),
                ],
                changes=["create a", "create b", "create c"],
                left=["a a-1", "b b-1", "c c-1"],
            ),
            Stage(
                [
                    item("a", zone="y", early=True),
                    item("b", zone=ref("a.arn")),
                    item("c", label=ref("b.arn")),
                ],
                changes=["create a", "create b", "delete a-1", "delete b-1", "update c-1"],
                left=["a a-2", "b b-2", "c c-1"],
            ),
        ],
    ),
    Scenario(
        "the program's delete_before_replace overrides the provider's",
        [
            Stage([item("a", zone="x")], changes=["create a"], left=["a a-1"]),
            Stage(
                [item("a", zone="y", options={"delete_before_replace": True})],
                changes=["create a", "delete a-1"],
                left=["a a-2"],
            ),
        ],
    ),
    Scenario(
        "a failed recreation is repeated by the next run",
        [
            Stage([item("a", zone="x", early=True)], changes=["create a"], left=["a a-1"]),
            Stage(
                [item("a", zone="y", early=True, fail="create")],
                code=1,
                changes=["create a", "delete a-1"],
                left=["a a-1 pendingReplacement"],
                says=["asked to fail the create"],
            ),
            Stage([item("a", zone="y", early=True)], changes=["create a"], left=["a a-2"]),
        ],
    ),
    Scenario(
        "changes of named properties replace",
        [
            Stage([item("a", size=1)], changes=["create a"], left=["a a-1"]),
            Stage(
                [item("a", size=2, options={"replace_on_changes": ["size"]})],
                changes=["create a", "delete a-1"],
                left=["a a-2"],
            ),
        ],
    ),
    Scenario(
        "dynamic resources are created, changed, replaced and deleted",
        [
            Stage([other("note", "n", text="x", page=1)], left=["n note-1.0"]),
            Stage([other("note", "n", text="y", page=1)], left=["n note-1.0"]),
            Stage([other("note", "n", text="y", page=2)], left=["n note-2.0"]),
            Stage([]),
        ],
    ),
    Scenario(
        "a renamed resource is the same one",
        [
            Stage(
                [item("a"), item("b", label=ref("a.arn"))],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                [item("z", options={"aliases": [{"name": "a"}]}), item("b", label=ref("z.arn"))],
                left=["b b-1", "z a-1"],
            ),
            Stage([item("z"), item("b", label=ref("z.arn"))], left=["b b-1", "z a-1"]),
        ],
    ),
    Scenario(
        "children follow a renamed component",
        [
            Stage(
                [other("box", "old"), item("old-a", options={"parent": "old"})],
                changes=["create old-a"],
                left=["old ", "old-a old-a-1"],
            ),
            Stage(
                [
                    other("box", "new", options={"aliases": [{"name": "old"}]}),
                    item("new-a", options={"parent": "new"}),
                ],
                left=["new ", "new-a old-a-1"],
            ),
        ],
    ),
    Scenario(
        "a failing create leaves no trace and deletes nothing",
        [
            Stage([item("old")], changes=["create old"], left=["old old-1"]),
            Stage(
                [item("a"), item("b", fail="create", options={"depends_on": ["a"]})],
                code=1,
                changes=["create a", "create b"],
                left=["a a-1", "old old-1"],
                says=["asked to fail the create"],
            ),
        ],
    ),
    Scenario(
        "a failing check stops before anything is created",
        [
            Stage([item("a", fail="check")], code=1, says=["asked to fail the check"]),
            Stage([other("note", "n", fail="check")], code=1, says=["asked to fail the check"]),
        ],
    ),
    Scenario(
        "a resource that never became ready is kept and retried",
        [
            Stage([item("a", fail="init")], code=1, changes=["create a"], left=["a a-1 initErrors"]),
            Stage([item("a", fail="init")], changes=["update a-1"], left=["a a-1"]),
        ],
    ),
    Scenario(
        "a failing update keeps the old inputs",
        [
            Stage([item("a", size=1)], changes=["create a"], left=["a a-1"]),
            Stage([item("a", size=2, fail="update")], code=1, changes=["update a-1"], left=["a a-1"]),
        ],
    ),
    Scenario(
        "a failing delete spares what it depends on",
        [
            Stage(
                [item("a"), item("b", fail="delete", label=ref("a.arn"))],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(verb="destroy", code=1, changes=["delete b-1"], left=["a a-1", "b b-1"]),
        ],
    ),
    Scenario(
        "an exception keeps what was registered and deletes nothing",
        [
            Stage([item("a"), item("b")], changes=["create a", "create b"], left=["a a-1", "b b-1"]),
            Stage(
                [item("a")],
                raises="crash",
                code=1,
                left=["a a-1", "b b-1"],
                says=["raised by the program"],
            ),
            Stage(
                [item("a")],
                raises="refusal",
                code=1,
                left=["a a-1", "b b-1"],
                says=["raised by the program"],
            ),
        ],
    ),
    Scenario(
        "a protected resource is not deleted or replaced",
        [
            Stage(
                [item("a", zone="x", options={"protect": True})],
                changes=["create a"],
                left=["a a-1 protect"],
            ),
            Stage([], code=1, left=["a a-1 protect"]),
            Stage([item("a", zone="y", options={"protect": True})], code=1, left=["a a-1 protect"]),
            Stage([item("a", zone="y")], changes=["create a", "delete a-1"], left=["a a-2"]),
        ],
    ),
    Scenario(
        "protection is inherited from a component",
        [
            Stage(
                [other("box", "box", options={"protect": True}), item("a", options={"parent": "box"})],
                changes=["create a"],
                left=["a a-1 protect", "box  protect"],
            ),
            Stage(verb="destroy", code=1, left=["a a-1 protect", "box  protect"]),
        ],
    ),
    Scenario(
        "a retained resource leaves the state and stays in the world",
        [
            Stage(
                [item("a", options={"retain_on_delete": True})],
                changes=["create a"],
                left=["a a-1 retainOnDelete"],
            ),
            Stage([]),
        ],
    ),
    Scenario(
        "a resource deleted with another is not deleted itself",
        [
            Stage(
                [item("a"), item("b", options={"deleted_with": "a"})],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(verb="destroy", changes=["delete a-1"]),
        ],
    ),
    Scenario(
        "ignored changes are not applied",
        [
            Stage([item("a", size=1, label="x")], changes=["create a"], left=["a a-1"]),
            Stage([item("a", size=2, label="x", options={"ignore_changes": ["size"]})], left=["a a-1"]),
            Stage(
                [item("a", size=3, label="y", options={"ignore_changes": ["size"]})],
                changes=["update a-1"],
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "secrets stay secret",
        [
            Stage(
                [item("a", label={"secret": "hush"}, options={"additional_secret_outputs": ["arn"]})],
                exports={"arn": ref("a.arn"), "label": {"secret": "hush"}},
                changes=["create a"],
                left=["a a-1"],
            ),
            Stage(
                [item("a", label={"secret": "hush"}, options={"additional_secret_outputs": ["arn"]})],
                exports={"arn": ref("a.arn"), "label": {"secret": "hush"}},
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "refresh takes over drift and removes what no longer exists",
        [
            Stage([item("a", size=1), item("b")], changes=["create a", "create b"], left=["a a-1", "b b-1"]),
            Stage(verb="refresh", world={"a-1": {"size": 7, "colour": "grey"}, "b-1": None}, left=["a a-1"]),
            Stage(
                [item("a", size=1), item("b")], changes=["create b", "update a-1"], left=["a a-1", "b b-2"]
            ),
        ],
    ),
    Scenario(
        "an existing item is imported",
        [
            Stage(
                [item("a", size=4, options={"import": "given"})],
                world={"given": {"size": 4, "colour": "grey"}},
                left=["a given"],
            ),
            Stage([item("a", size=5)], changes=["update given"], left=["a given"]),
        ],
    ),
    Scenario(
        "an import that differs is updated",
        [
            Stage(
                [item("a", size=5, options={"import": "given"})],
                world={"given": {"size": 4, "colour": "grey"}},
                changes=["update given"],
                left=["a given"],
            ),
        ],
    ),
    Scenario(
        "an import of nothing fails",
        [Stage([item("a", options={"import": "given"})], code=1, says=["does not exist"])],
    ),
    Scenario(
        "an item of others is read and never deleted",
        [
            Stage(
                [
                    {"kind": "get", "name": "a", "id": "given"},
                    item("b", label=ref("a.arn")),
                ],
                world={"given": {"size": 4}},
                changes=["create b"],
                left=["a given external", "b b-1"],
            ),
            Stage(verb="destroy", changes=["delete b-1"]),
        ],
    ),
    Scenario(
        "a read item that the program takes over is recreated",
        [
            Stage(
                [{"kind": "get", "name": "a", "id": "given"}], world={"given": {}}, left=["a given external"]
            ),
            Stage([item("a")], changes=["create a"], left=["a a-1"]),
        ],
    ),
    Scenario(
        "an explicit provider serves its resources; a change that requires it replaces them",
        [
            Stage(
                [other("region", "west", region="w"), item("a", options={"provider": "west"})],
                changes=["create a"],
                left=["a a-1", "west *"],
            ),
            Stage(
                [other("region", "west", region="w", mood="new"), item("a", options={"provider": "west"})],
                left=["a a-1", "west *"],
            ),
            Stage(
                [other("region", "west", region="e", mood="new"), item("a", options={"provider": "west"})],
                changes=["create a", "delete a-1"],
                left=["a a-2", "west *"],
            ),
            Stage(verb="destroy", changes=["delete a-2"]),
        ],
    ),
    Scenario(
        "a provider with unknown configuration plans what it can",
        [
            Stage(
                [
                    item("a"),
                    other("region", "west", region=ref("a.arn")),
                    item("b", options={"provider": "west"}),
                ],
                verb="preview",
            ),
            Stage(
                [
                    item("a"),
                    other("region", "west", region=ref("a.arn")),
                    item("b", options={"provider": "west"}),
                ],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1", "west *"],
            ),
        ],
    ),
    Scenario(
        "components pass their providers on to children",
        [
            Stage(
                [
                    other("region", "west", region="w"),
                    other("box", "box", options={"providers": {"world": "west"}}),
                    item("a", options={"parent": "box"}),
                ],
                changes=["create a"],
                left=["a a-1", "box ", "west *"],
            ),
        ],
    ),
    Scenario(
        "a remote component creates its children",
        [
            Stage(
                [item("a", size=3), other("group", "g", size=ref("a.size"), label={"secret": "hush"})],
                exports={"total": ref("g.total")},
                changes=["create a", "create g-first", "create g-second"],
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
            Stage(
                [item("a", size=3), other("group", "g", size=ref("a.size"), label={"secret": "hush"})],
                exports={"total": ref("g.total")},
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
            Stage(verb="destroy", changes=["delete a-1", "delete g-first-1", "delete g-second-1"]),
        ],
    ),
    Scenario(
        "a transform of a remote component reaches its children, also where their inputs are unknown",
        [
            Stage(
                [item("a"), other("group", "g", size=ref("a.arn"), options={"transforms": ["label"]})],
                verb="preview",
            ),
            Stage(
                [item("a"), other("group", "g", size=ref("a.arn"), options={"transforms": ["label"]})],
                changes=["create a", "create g-first", "create g-second"],
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
            Stage(
                [item("a"), other("group", "g", size=ref("a.arn"), options={"transforms": ["label"]})],
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
            Stage(
                [item("a"), other("group", "g", size=ref("a.arn"))],
                changes=["update g-first-1", "update g-second-1"],
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
        ],
    ),
    Scenario(
        "a transform of a parent changes the options of what is below it",
        [
            Stage(
                [
                    other("box", "x", options={"transforms": ["early"]}),
                    item("a", zone="x", options={"parent": "x"}),
                    item("b", zone="x"),
                ],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1", "x "],
            ),
            Stage(
                [
                    other("box", "x", options={"transforms": ["early"]}),
                    item("a", zone="y", fail="create", options={"parent": "x"}),
                    item("b", zone="x"),
                ],
                code=1,
                changes=["create a", "delete a-1"],
                left=["a a-1 pendingReplacement", "b b-1", "x "],
                says=["asked to fail the create"],
            ),
        ],
    ),
    Scenario(
        "a transform of the stack changes everything after it",
        [
            Stage(
                [
                    item("a"),
                    {"kind": "transform", "name": "t", "transform": "label"},
                    item("b"),
                ],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage([item("a"), item("b")], changes=["update b-1"], left=["a a-1", "b b-1"]),
        ],
    ),
    Scenario(
        "methods of a remote component are called",
        [
            Stage(
                [
                    other("group", "g", size=3),
                    {"kind": "call", "name": "c", "of": "g", "add": {"ref": "g.total"}},
                    item("a", size={"ref": "c.said"}),
                ],
                exports={"said": {"ref": "c.said"}},
                changes=["create a", "create g-first", "create g-second"],
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
        ],
    ),
    Scenario(
        "functions are called, in previews too",
        [
            Stage(
                [{"kind": "echo", "name": "e", "token": "world:index:echo", "inputs": {"say": "hello"}}],
                verb="preview",
                exports={"said": ref("e.said")},
            ),
            Stage(
                [
                    {"kind": "echo", "name": "e", "token": "world:index:echo", "inputs": {"say": "hello"}},
                    item("a", label=ref("e.said")),
                ],
                changes=["create a"],
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "the same name twice is refused",
        [Stage([item("a"), item("a")], code=1, says=["Duplicate resource URN"])],
        exact=False,
    ),
    Scenario(
        "only targets are touched",
        [
            Stage(
                [item("a", size=1), item("b", size=1)],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                [item("a", size=2), item("b", size=2), item("c")],
                arguments=("--target", "urn:pulumi:dev::scenario::world:index:Item::a"),
                changes=["update a-1"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                verb="destroy",
                arguments=("--target", "urn:pulumi:dev::scenario::world:index:Item::b"),
                changes=["delete b-1"],
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "a preview changes nothing and expectations are kept",
        [
            Stage([item("a")], verb="preview"),
            Stage([item("a")], verb="preview", arguments=("--expect-no-changes",), code=1),
            Stage([item("a")], changes=["create a"], left=["a a-1"]),
            Stage([item("a")], verb="preview", arguments=("--expect-no-changes",), left=["a a-1"]),
        ],
    ),
]
