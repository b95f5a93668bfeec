"""The kinds of resources that a scenario can contain."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class Item(pulumi.CustomResource):
    def __init__(self, name, inputs, opts=None):
        super().__init__("world:index:Item", name, {"arn": None, "size": None, **inputs}, opts)


class Region(pulumi.ProviderResource):
    def __init__(self, name, inputs, opts=None):
        super().__init__("world", name, inputs, opts)


class Box(pulumi.ComponentResource):
    def __init__(self, name, inputs, opts=None):
        super().__init__("boxes:index:Box", name, None, opts)
        self.register_outputs(inputs)


class Group(pulumi.ComponentResource):
    def __init__(self, name, inputs, opts=None):
        super().__init__(
            "world:index:Group", name, {"total": None, "first": None, **inputs}, opts, remote=True
        )


class NotePad(ResourceProvider):
    """A dynamic provider: a change of `page` replaces, `fail` names the operation that fails.

    With `waits` its creation writes this file, and lasts until the engine calls `Cancel`.
    """

    def check(self, _olds, news):
        from pulumi.dynamic import CheckFailure, CheckResult

        failures = [CheckFailure("fail", "asked to fail the check")] if news.get("fail") == "check" else []
        return CheckResult(news, failures)

    def diff(self, _id, olds, news):
        keys = [key for key in news if not key.startswith("__") and olds.get(key) != news[key]]
        return DiffResult(changes=bool(keys), replaces=[key for key in keys if key == "page"])

    def create(self, props):
        if props.get("fail") == "create":
            raise RuntimeError("asked to fail the create")
        if "waits" in props:
            from pathlib import Path

            from eks_cilium.dynamic.shell.cancelling import listen
            from eks_cilium.dynamic.shell.process import THIS_PROCESS

            listen()
            Path(props["waits"]).touch()
            return CreateResult("told" if THIS_PROCESS.cancelled.wait(20) else "not-told", props)
        return CreateResult(f"note-{props.get('page', 0)}", {**props, "written": "yes"})

    def update(self, _id, olds, news):
        return UpdateResult({**news, "written": "again"})


class Note(Resource):
    def __init__(self, name, inputs, opts=None):
        super().__init__(NotePad(), name, {"written": None, **inputs}, opts)


def _label_items(args):
    """A transform that labels items; unknown inputs beside the label have to stay as they are."""
    if args.type_ != "world:index:Item":
        return None
    return pulumi.ResourceTransformResult({**args.props, "label": "by a transform"}, args.opts)


def _delete_items_early(args):
    """A transform of the options alone."""
    if args.type_ != "world:index:Item":
        return None
    early = pulumi.ResourceOptions(delete_before_replace=True)
    return pulumi.ResourceTransformResult(args.props, pulumi.ResourceOptions.merge(args.opts, early))


TRANSFORMS = {"label": _label_items, "early": _delete_items_early}


class Program:
    """The resources registered so far, and the values that refer to them."""

    def __init__(self) -> None:
        self.registered: dict[str, Any] = {}
        self.config = pulumi.Config()

    def value(self, written):
        """Resolve references, secrets and configuration in a value of the description."""
        if isinstance(written, list):
            return [self.value(item) for item in written]
        if not isinstance(written, dict):
            return written
        special = {
            "ref": self._reference,
            "secret": lambda inner: pulumi.Output.secret(self.value(inner)),
            "config": self.config.get,
            "config-secret": self.config.get_secret,
        }
        for key, resolve in special.items():
            if key in written:
                return resolve(written[key])
        return {key: self.value(item) for key, item in written.items()}

    def _reference(self, text):
        name, attribute = text.split(".")
        return getattr(self.registered[name], attribute)

    def options(self, written):
        named = {}
        for key, value in written.items():
            if key in ("parent", "provider", "deleted_with"):
                named[key] = self.registered[value]
            elif key in ("depends_on", "replace_with"):
                named[key] = [self.registered[name] for name in value]
            elif key == "providers":
                named[key] = {package: self.registered[name] for package, name in value.items()}
            elif key == "aliases":
                named[key] = [pulumi.Alias(**alias) for alias in value]
            elif key == "transforms":
                named[key] = [TRANSFORMS[name] for name in value]
            elif key == "import":
                named["import_"] = value
            else:
                named[key] = value
        return pulumi.ResourceOptions(**named)


def _make(kind):
    def make(program, entry):
        inputs = {key: program.value(value) for key, value in entry.get("inputs", {}).items()}
        return kind(entry["name"], inputs, program.options(entry.get("options", {})))

    return make


def _get(program, entry):
    options = program.options({**entry.get("options", {})})
    options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(id=program.value(entry["id"])))
    return Item(entry["name"], {}, options)


def _stack(_program, entry):
    return pulumi.StackReference(entry["stack"])


def _outputs(_program, entry):
    """Read another stack's output before registering resources, instead of as an output."""
    return _Answer(
        pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": entry["stack"]}).value["outputs"][
            entry["output"]
        ]
    )


class _Answer:
    def __init__(self, said):
        self.said = said


def _echo(program, entry):
    arguments = {key: program.value(value) for key, value in entry.get("inputs", {}).items()}
    answer = pulumi.Output.all(**arguments).apply(
        lambda given: pulumi.runtime.invoke(entry["token"], given).value
    )
    return _Answer(answer.apply(lambda found: found["said"]))


def _transform(_program, entry):
    """A transform of everything that is registered later."""
    pulumi.runtime.register_resource_transform(TRANSFORMS[entry["transform"]])
    return _Answer(None)


def _call(program, entry):
    group = program.registered[entry["of"]]
    arguments = {"__self__": group, "add": program.value(entry["add"])}
    return _Answer(
        pulumi.runtime.call("world:index:Group/add", arguments, group).apply(lambda found: found["sum"])
    )


KINDS = {
    "call": _call,
    "item": _make(Item),
    "note": _make(Note),
    "region": _make(Region),
    "box": _make(Box),
    "group": _make(Group),
    "get": _get,
    "stack": _stack,
    "echo": _echo,
    "outputs": _outputs,
    "transform": _transform,
}
