"""Makes a `Resource` of a table entry: checks, diffs, previews, refreshes and tags of all types."""
# ruff: noqa: ARG002  # the signatures are those of `Resource`

from collections.abc import Iterator, Mapping
from typing import Any

from lab.providers.aws import checking
from lab.providers.aws.cloud import Cloud, plain_errors
from lab.providers.aws.table import ResourceType
from lab.providers.errors import InitializationFailedError, RefusedError
from lab.providers.resource import Change, Checked, Difference, Operation, Resource, State
from lab.providers.values import UNKNOWN, Properties, Unknown, differences, has_unknown, property_path


class AwsResource(Resource):
    """One table entry with one configured cloud."""

    def __init__(self, kind: ResourceType, cloud: Cloud) -> None:
        self.token = kind.token
        self._kind = kind
        self._cloud = cloud

    def check(
        self, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
    ) -> Checked:
        return checking.check(self._kind, operation, inputs, olds, seed)

    def diff(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
    ) -> Difference:
        """Compare the inputs; the table decides which changes replace the resource."""
        before = old_inputs or self._inputs_in(olds)
        changes = [*self._changes(before, news), *self._default_tag_changes(olds, news)]
        replacing = any(change.replaces for change in changes)
        return Difference(changes, delete_before_replace=replacing and self._keeps_its_name(before, news))

    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        """Create and wait; a resource that does not become usable is reported with its id."""
        wanted = self._with_all_tags(inputs)
        if preview:
            return State("", self._foreseen(wanted))
        cloud = self._cloud_of(inputs)
        with plain_errors():
            identifier = self._kind.create(cloud, wanted, operation)
            return State(identifier, self._until_ready(cloud, identifier, wanted, operation))

    def read(
        self, operation: Operation, identifier: str, properties: Properties, inputs: Properties
    ) -> State | None:
        cloud = self._cloud_of(properties)
        with plain_errors():
            live = self._kind.read(cloud, identifier, properties | inputs)
        if live is None:
            return None
        live = self._completed(cloud, live, inputs)
        return State(identifier, properties | live, self._inputs_as_live(inputs, live))

    def update(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
        *,
        preview: bool,
    ) -> Properties:
        """Apply changed inputs, then tags, then wait as after a create."""
        before, wanted = old_inputs or self._inputs_in(olds), self._with_all_tags(news)
        if preview:
            return self._foreseen_update(before, olds, wanted)
        cloud = self._cloud_of(news)
        with plain_errors():
            if self._kind.update:
                self._kind.update(cloud, identifier, olds | before, wanted, operation)
            self._retag(cloud, identifier, olds, wanted)
            return self._until_ready(cloud, identifier, olds | wanted, operation)

    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        with plain_errors():
            self._kind.delete(self._cloud_of(properties), identifier, properties | old_inputs, operation)

    # -- differences ---------------------------------------------------------------------------------------

    def _changes(self, before: Properties, news: Properties) -> Iterator[Change]:
        for name, described in self._kind.all_inputs.items():
            old, new = before.get(name), news.get(name)
            if new is None and (old is None or described.cloud_decides):
                continue
            if new is not None and old is not None and not has_unknown(new) and described.same(old, new):
                continue
            replaces = (
                described.replaces
                or described.replaces_if(old, new)
                or (self._kind.update is None and name not in {"tags"})
            )
            held_before = {} if old is None else {name: old}
            wanted = {} if new is None else {name: new}
            for path, kind in differences(held_before, wanted):
                yield Change(path, kind, replaces)

    def _default_tag_changes(self, olds: Properties, news: Properties) -> Iterator[Change]:
        """Changes of the provider's default tags, reported as changes of `tagsAll`."""
        tags = news.get("tags", {})
        if not self._kind.retag or "tagsAll" not in olds or has_unknown(tags):
            return
        before, wanted = olds["tagsAll"], self._with_all_tags(news)["tagsAll"]
        of_the_program = {property_path("tagsAll", key) for key in (*tags, *(olds.get("tags") or {}))}
        for path, kind in differences({"tagsAll": before}, {"tagsAll": wanted}):
            if path not in of_the_program:
                yield Change(path, kind)

    def _keeps_its_name(self, before: Properties, news: Properties) -> bool:
        """Whether old and new resource have the same name, so that both cannot exist at once."""
        name = self._kind.name
        if name is None or name in news.get(checking.FILLED_IN, ()):
            return False
        return bool(before.get(name) == news.get(name))

    # -- previews ------------------------------------------------------------------------------------------

    def _foreseen(self, wanted: Properties) -> Properties:
        decided_later = {name for name, described in self._kind.all_inputs.items() if described.cloud_decides}
        unknown = dict.fromkeys({*self._kind.all_outputs, *decided_later}, UNKNOWN)
        if self._kind.regional:
            unknown["region"] = self._cloud.region  # type: ignore[assignment]  # known without asking
        return unknown | self._with_computed(self._plain(wanted), {})

    def _foreseen_update(self, before: Properties, olds: Properties, wanted: Properties) -> Properties:
        dropped = {name for name in before if name not in wanted and not self._cloud_decides(name)}
        kept = {name: value for name, value in olds.items() if name not in dropped}
        changed = any(self._changes(before, wanted))
        changed_by_update = dict.fromkeys(self._kind.changed_by_update, UNKNOWN) if changed else {}
        return kept | self._with_computed(self._plain(wanted), olds) | changed_by_update

    def _with_computed(self, wanted: Properties, olds: Properties) -> Properties:
        # Nested objects contain keys that the cloud adds: kept from the state, or unknown.
        return {name: self._completed_object(name, value, olds.get(name)) for name, value in wanted.items()}

    def _completed_object(self, name: str, value: Any, old: Any) -> Any:
        described = self._kind.all_inputs.get(name)
        if described is None or not described.computed or not isinstance(value, Mapping):
            return value
        before = old if isinstance(old, Mapping) else {}
        return {key: before.get(key, UNKNOWN) for key in described.computed} | dict(value)

    def _cloud_decides(self, name: str) -> bool:
        described = self._kind.all_inputs.get(name)
        return described is not None and described.cloud_decides

    # -- live state ------------------------------------------------------------------------------------------

    def _until_ready(
        self, cloud: Cloud, identifier: str, wanted: Properties, operation: Operation
    ) -> Properties:
        reasons = self._kind.wait_ready(cloud, identifier, operation) if self._kind.wait_ready else ()
        live = self._kind.read(cloud, identifier, wanted)
        if live is None:
            raise RefusedError(f"{identifier} was deleted before it became usable")
        properties = self._completed(cloud, live, wanted)
        asked = {name: value for name, value in wanted.items() if name in self._kind.all_inputs}
        held = {name: value for name, value in asked.items() if self._holds(name, properties, value)}
        properties |= self._shown(held)
        if reasons:
            raise InitializationFailedError(identifier, properties, reasons)
        return properties

    def _holds(self, name: str, live: Properties, asked: Any) -> bool:
        """Whether to keep the program's form of a value: the cloud returns none, or an equivalent one."""
        if live.get(name) is None:
            return True
        described = self._kind.all_inputs[name]
        return described.fields is None and described.same(live[name], asked)

    def _completed(self, cloud: Cloud, live: Properties, inputs: Properties) -> Properties:
        """Add the properties that all types have: the region, and the program's own tags."""
        complete = {name: value for name, value in live.items() if value is not None}
        if self._kind.regional:
            complete["region"] = cloud.region
        if self._kind.retag:
            every = {key: value for key, value in live.get("tagsAll", {}).items() if key[:4] != "aws:"}
            own = {key: value for key, value in every.items() if self._is_own_tag(key, value, inputs)}
            complete |= {"tagsAll": every, "tags": own}
        return complete

    def _is_own_tag(self, key: str, value: str, inputs: Properties) -> bool:
        written = inputs.get("tags") or {}
        return key in written or self._cloud.default_tags.get(key) != value

    def _inputs_as_live(self, inputs: Properties, live: Properties) -> Properties:
        """The old inputs where the cloud agrees and the live values elsewhere; on import all live values."""
        if not inputs:
            declared = self._kind.all_inputs
            return {
                name: live[name]
                for name in declared
                if live.get(name) not in (None, [], {}) and name != "region"
            }
        refreshed = {name: self._input_as_live(name, value, live) for name, value in inputs.items()}
        if self._kind.retag and "tags" not in inputs and live["tags"]:
            refreshed["tags"] = live["tags"]
        return refreshed

    def _input_as_live(self, name: str, value: Any, live: Properties) -> Any:
        described = self._kind.all_inputs.get(name)
        if described is None or live.get(name) is None:
            return value
        agreed = described.agrees(live[name], value) or described.same(live[name], value)
        return value if agreed else live[name]

    # -- tags ------------------------------------------------------------------------------------------------

    def _with_all_tags(self, inputs: Properties) -> Properties:
        if not self._kind.retag:
            return inputs
        tags = inputs.get("tags", {})
        unknown = isinstance(tags, Unknown)
        return inputs | {"tagsAll": UNKNOWN if unknown else self._cloud.default_tags | tags}

    def _retag(self, cloud: Cloud, identifier: str, olds: Properties, wanted: Properties) -> None:
        if not self._kind.retag:
            return
        before, after = olds.get("tagsAll") or {}, wanted["tagsAll"]
        added = {key: value for key, value in after.items() if before.get(key) != value}
        removed = sorted(key for key in before if key not in after)
        if added or removed:
            self._kind.retag(cloud, identifier, olds, added, removed)

    # -- values ----------------------------------------------------------------------------------------------

    def _cloud_of(self, properties: Mapping[str, Any]) -> Cloud:
        return self._cloud.within(properties.get("region"))

    def _inputs_in(self, properties: Properties) -> Properties:
        return {name: value for name, value in properties.items() if name in self._kind.all_inputs}

    def _plain(self, wanted: Properties) -> Properties:
        return self._shown({name: value for name, value in wanted.items() if name != checking.FILLED_IN})

    def _shown(self, wanted: Properties) -> Properties:
        """The inputs in the form of the outputs with the same names."""
        shown = {name: described.shown for name, described in self._kind.all_inputs.items()}
        return {
            name: shown[name](value) if name in shown and not has_unknown(value) else value
            for name, value in wanted.items()
        }
