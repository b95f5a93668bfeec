"""The scenario table: programs, what is done with them, and what must come of it.

Our engine is held to what is written here; where the real CLI is present both engines run the table and
are compared call by call. Things are named by letters; `a-1` is the first thing made for `a`.
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
    world: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    """Things changed (or, None, taken away) behind the engine's back before the command."""
    code: int = 0
    changes: list[str] = field(default_factory=list)
    """The calls that change the world."""
    left: list[str] = field(default_factory=list)
    """The resources left in the state, but for stack and default providers: `name id flags...`."""
    says: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scenario:
    """Stages on one stack."""

    name: str
    stages: list[Stage]
    exact: bool = True
    """Whether the calls of two runs can be compared (not so when failures race)."""


def thing(name: str, *, options: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    """A thing of the world."""
    return {"name": name, "inputs": inputs, "options": options or {}}


def other(kind: str, name: str, *, options: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    """A resource of another kind."""
    return {"kind": kind, "name": name, "inputs": inputs, "options": options or {}}


def ref(text: str) -> dict[str, str]:
    """Another resource's output, `a.arn`."""
    return {"ref": text}


SCENARIOS = [
    Scenario(
        "create, nothing to do, update, delete",
        [
            Stage([thing("a", size=1)], changes=["create a"], left=["a a-1"], exports={"arn": ref("a.arn")}),
            Stage([thing("a", size=1)], left=["a a-1"], exports={"arn": ref("a.arn")}),
            Stage([thing("a", size=2)], changes=["update a-1"], left=["a a-1"]),
            Stage([], changes=["delete a-1"]),
        ],
    ),
    Scenario(
        "dependents are made after and deleted before",
        [
            Stage(
                [thing("a"), thing("b", label=ref("a.arn")), thing("c", options={"depends_on": ["b"]})],
                changes=["create a", "create b", "create c"],
                left=["a a-1", "b b-1", "c c-1"],
            ),
            Stage(verb="destroy", changes=["delete a-1", "delete b-1", "delete c-1"]),
        ],
    ),
    Scenario(
        "a replacement is made before the old one is deleted",
        [
            Stage(
                [thing("a", zone="x"), thing("b", label=ref("a.arn"))],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                [thing("a", zone="y"), thing("b", label=ref("a.arn"))],
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
                    thing("a", zone="x", early=True),
                    thing("b", zone=ref("a.arn")),
                    thing("c", label=ref("b.arn")),
                ],
                changes=["create a", "create b", "create c"],
                left=["a a-1", "b b-1", "c c-1"],
            ),
            Stage(
                [
                    thing("a", zone="y", early=True),
                    thing("b", zone=ref("a.arn")),
                    thing("c", label=ref("b.arn")),
                ],
                changes=["create a", "create b", "delete a-1", "delete b-1", "update c-1"],
                left=["a a-2", "b b-2", "c c-1"],
            ),
        ],
    ),
    Scenario(
        "the program's wish to delete first beats the provider's",
        [
            Stage([thing("a", zone="x")], changes=["create a"], left=["a a-1"]),
            Stage(
                [thing("a", zone="y", options={"delete_before_replace": True})],
                changes=["create a", "delete a-1"],
                left=["a a-2"],
            ),
        ],
    ),
    Scenario(
        "a failed recreation is made up for by the next run",
        [
            Stage([thing("a", zone="x", early=True)], changes=["create a"], left=["a a-1"]),
            Stage(
                [thing("a", zone="y", early=True, fail="create")],
                code=1,
                changes=["create a", "delete a-1"],
                left=["a a-1 pendingReplacement"],
                says=["asked to fail the create"],
            ),
            Stage([thing("a", zone="y", early=True)], changes=["create a"], left=["a a-2"]),
        ],
    ),
    Scenario(
        "changes of named properties replace",
        [
            Stage([thing("a", size=1)], changes=["create a"], left=["a a-1"]),
            Stage(
                [thing("a", size=2, options={"replace_on_changes": ["size"]})],
                changes=["create a", "delete a-1"],
                left=["a a-2"],
            ),
        ],
    ),
    Scenario(
        "dynamic resources are made, changed, replaced and deleted",
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
                [thing("a"), thing("b", label=ref("a.arn"))],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                [thing("z", options={"aliases": [{"name": "a"}]}), thing("b", label=ref("z.arn"))],
                left=["b b-1", "z a-1"],
            ),
            Stage([thing("z"), thing("b", label=ref("z.arn"))], left=["b b-1", "z a-1"]),
        ],
    ),
    Scenario(
        "children follow a renamed component",
        [
            Stage(
                [other("box", "old"), thing("old-a", options={"parent": "old"})],
                changes=["create old-a"],
                left=["old ", "old-a old-a-1"],
            ),
            Stage(
                [
                    other("box", "new", options={"aliases": [{"name": "old"}]}),
                    thing("new-a", options={"parent": "new"}),
                ],
                left=["new ", "new-a old-a-1"],
            ),
        ],
    ),
    Scenario(
        "a failing create leaves no trace and deletes nothing",
        [
            Stage([thing("old")], changes=["create old"], left=["old old-1"]),
            Stage(
                [thing("a"), thing("b", fail="create", options={"depends_on": ["a"]})],
                code=1,
                changes=["create a", "create b"],
                left=["a a-1", "old old-1"],
                says=["asked to fail the create"],
            ),
        ],
    ),
    Scenario(
        "a failing check stops before anything is made",
        [
            Stage([thing("a", fail="check")], code=1, says=["asked to fail the check"]),
            Stage([other("note", "n", fail="check")], code=1, says=["asked to fail the check"]),
        ],
    ),
    Scenario(
        "what never became ready is kept and tried again",
        [
            Stage([thing("a", fail="init")], code=1, changes=["create a"], left=["a a-1 initErrors"]),
            Stage([thing("a", fail="init")], changes=["update a-1"], left=["a a-1"]),
        ],
    ),
    Scenario(
        "a failing update keeps the old inputs",
        [
            Stage([thing("a", size=1)], changes=["create a"], left=["a a-1"]),
            Stage([thing("a", size=2, fail="update")], code=1, changes=["update a-1"], left=["a a-1"]),
        ],
    ),
    Scenario(
        "a failing delete spares what it depends on",
        [
            Stage(
                [thing("a"), thing("b", fail="delete", label=ref("a.arn"))],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(verb="destroy", code=1, changes=["delete b-1"], left=["a a-1", "b b-1"]),
        ],
    ),
    Scenario(
        "an exception keeps what was registered and deletes nothing",
        [
            Stage([thing("a"), thing("b")], changes=["create a", "create b"], left=["a a-1", "b b-1"]),
            Stage(
                [thing("a")],
                raises="crash",
                code=1,
                left=["a a-1", "b b-1"],
                says=["as the program was told"],
            ),
            Stage(
                [thing("a")],
                raises="refusal",
                code=1,
                left=["a a-1", "b b-1"],
                says=["as the program was told"],
            ),
        ],
    ),
    Scenario(
        "what is protected is not deleted or replaced",
        [
            Stage(
                [thing("a", zone="x", options={"protect": True})],
                changes=["create a"],
                left=["a a-1 protect"],
            ),
            Stage([], code=1, left=["a a-1 protect"]),
            Stage([thing("a", zone="y", options={"protect": True})], code=1, left=["a a-1 protect"]),
            Stage([thing("a", zone="y")], changes=["create a", "delete a-1"], left=["a a-2"]),
        ],
    ),
    Scenario(
        "protection is inherited from a component",
        [
            Stage(
                [other("box", "box", options={"protect": True}), thing("a", options={"parent": "box"})],
                changes=["create a"],
                left=["a a-1 protect", "box  protect"],
            ),
            Stage(verb="destroy", code=1, left=["a a-1 protect", "box  protect"]),
        ],
    ),
    Scenario(
        "what is retained leaves the state and stays in the world",
        [
            Stage(
                [thing("a", options={"retain_on_delete": True})],
                changes=["create a"],
                left=["a a-1 retainOnDelete"],
            ),
            Stage([]),
        ],
    ),
    Scenario(
        "what is deleted with another is not deleted itself",
        [
            Stage(
                [thing("a"), thing("b", options={"deleted_with": "a"})],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(verb="destroy", changes=["delete a-1"]),
        ],
    ),
    Scenario(
        "ignored changes are not made",
        [
            Stage([thing("a", size=1, label="x")], changes=["create a"], left=["a a-1"]),
            Stage([thing("a", size=2, label="x", options={"ignore_changes": ["size"]})], left=["a a-1"]),
            Stage(
                [thing("a", size=3, label="y", options={"ignore_changes": ["size"]})],
                changes=["update a-1"],
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "secrets stay secret",
        [
            Stage(
                [thing("a", label={"secret": "hush"}, options={"additional_secret_outputs": ["arn"]})],
                exports={"arn": ref("a.arn"), "label": {"secret": "hush"}},
                changes=["create a"],
                left=["a a-1"],
            ),
            Stage(
                [thing("a", label={"secret": "hush"}, options={"additional_secret_outputs": ["arn"]})],
                exports={"arn": ref("a.arn"), "label": {"secret": "hush"}},
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "refresh takes over drift and forgets what is gone",
        [
            Stage(
                [thing("a", size=1), thing("b")], changes=["create a", "create b"], left=["a a-1", "b b-1"]
            ),
            Stage(verb="refresh", world={"a-1": {"size": 7, "colour": "grey"}, "b-1": None}, left=["a a-1"]),
            Stage(
                [thing("a", size=1), thing("b")], changes=["create b", "update a-1"], left=["a a-1", "b b-2"]
            ),
        ],
    ),
    Scenario(
        "an existing thing is imported",
        [
            Stage(
                [thing("a", size=4, options={"import": "given"})],
                world={"given": {"size": 4, "colour": "grey"}},
                left=["a given"],
            ),
            Stage([thing("a", size=5)], changes=["update given"], left=["a given"]),
        ],
    ),
    Scenario(
        "an import that differs is updated",
        [
            Stage(
                [thing("a", size=5, options={"import": "given"})],
                world={"given": {"size": 4, "colour": "grey"}},
                changes=["update given"],
                left=["a given"],
            ),
        ],
    ),
    Scenario(
        "an import of nothing fails",
        [Stage([thing("a", options={"import": "given"})], code=1, says=["does not exist"])],
    ),
    Scenario(
        "a thing of others is read and never deleted",
        [
            Stage(
                [
                    {"kind": "get", "name": "a", "id": "given"},
                    thing("b", label=ref("a.arn")),
                ],
                world={"given": {"size": 4}},
                changes=["create b"],
                left=["a given external", "b b-1"],
            ),
            Stage(verb="destroy", changes=["delete b-1"]),
        ],
    ),
    Scenario(
        "a read thing that is made the program's own is made anew",
        [
            Stage(
                [{"kind": "get", "name": "a", "id": "given"}], world={"given": {}}, left=["a given external"]
            ),
            Stage([thing("a")], changes=["create a"], left=["a a-1"]),
        ],
    ),
    Scenario(
        "an explicit provider serves its resources; a change that demands it replaces them",
        [
            Stage(
                [other("region", "west", region="w"), thing("a", options={"provider": "west"})],
                changes=["create a"],
                left=["a a-1", "west *"],
            ),
            Stage(
                [other("region", "west", region="w", mood="new"), thing("a", options={"provider": "west"})],
                left=["a a-1", "west *"],
            ),
            Stage(
                [other("region", "west", region="e", mood="new"), thing("a", options={"provider": "west"})],
                changes=["create a", "delete a-1"],
                left=["a a-2", "west *"],
            ),
            Stage(verb="destroy", changes=["delete a-2"]),
        ],
    ),
    Scenario(
        "a provider not yet configurable plans what it can",
        [
            Stage(
                [
                    thing("a"),
                    other("region", "west", region=ref("a.arn")),
                    thing("b", options={"provider": "west"}),
                ],
                verb="preview",
            ),
            Stage(
                [
                    thing("a"),
                    other("region", "west", region=ref("a.arn")),
                    thing("b", options={"provider": "west"}),
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
                    thing("a", options={"parent": "box"}),
                ],
                changes=["create a"],
                left=["a a-1", "box ", "west *"],
            ),
        ],
    ),
    Scenario(
        "a remote component makes its children",
        [
            Stage(
                [thing("a", size=3), other("group", "g", size=ref("a.size"), label={"secret": "hush"})],
                exports={"total": ref("g.total")},
                changes=["create a", "create g-first", "create g-second"],
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
            Stage(
                [thing("a", size=3), other("group", "g", size=ref("a.size"), label={"secret": "hush"})],
                exports={"total": ref("g.total")},
                left=["a a-1", "g ", "g-first g-first-1", "g-second g-second-1"],
            ),
            Stage(verb="destroy", changes=["delete a-1", "delete g-first-1", "delete g-second-1"]),
        ],
    ),
    Scenario(
        "methods of a remote component are called",
        [
            Stage(
                [
                    other("group", "g", size=3),
                    {"kind": "call", "name": "c", "of": "g", "add": {"ref": "g.total"}},
                    thing("a", size={"ref": "c.said"}),
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
                    thing("a", label=ref("e.said")),
                ],
                changes=["create a"],
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "the same name twice is refused",
        [Stage([thing("a"), thing("a")], code=1, says=["Duplicate resource URN"])],
        exact=False,
    ),
    Scenario(
        "only targets are touched",
        [
            Stage(
                [thing("a", size=1), thing("b", size=1)],
                changes=["create a", "create b"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                [thing("a", size=2), thing("b", size=2), thing("c")],
                arguments=("--target", "urn:pulumi:dev::scenario::world:index:Thing::a"),
                changes=["update a-1"],
                left=["a a-1", "b b-1"],
            ),
            Stage(
                verb="destroy",
                arguments=("--target", "urn:pulumi:dev::scenario::world:index:Thing::b"),
                changes=["delete b-1"],
                left=["a a-1"],
            ),
        ],
    ),
    Scenario(
        "a preview changes nothing and expectations are kept",
        [
            Stage([thing("a")], verb="preview"),
            Stage([thing("a")], verb="preview", arguments=("--expect-no-changes",), code=1),
            Stage([thing("a")], changes=["create a"], left=["a a-1"]),
            Stage([thing("a")], verb="preview", arguments=("--expect-no-changes",), left=["a a-1"]),
        ],
    ),
]
