"""What has to go first when a resource is deleted before it is made again.

Whatever depends on the condemned resource and would be replaced itself by a change of it cannot outlive
it: it is deleted first, and made again when the program registers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.engine.errors import StepError
from lab.engine.events import Op, Step
from lab.engine.providers.diff import with_replace_on_changes
from lab.engine.state import urns, values
from lab.engine.state.resources import Resource, dependents

if TYPE_CHECKING:
    from lab.engine.run import Run
    from lab.engine.steps.decisions import Decisions


class Cascade:
    """Finds and plans the early deletions."""

    def __init__(self, run: Run, decisions: Decisions) -> None:
        self._run = run
        self._decisions = decisions

    def steps(self, urn: str, root: Resource) -> list[Step]:
        """The deletions that must precede the root's own, dependents before what they depend on."""
        steps = []
        for resource in reversed(self._condemned(root)):
            if id(resource) in self._decisions.condemned:
                continue
            if resource.protect:
                msg = (
                    f'unable to replace resource "{resource.urn}" as part of replacing "{urn}" '
                    "as it is currently marked for protection"
                )
                raise StepError(urn, msg)
            self._decisions.deleted.add(resource.urn)
            self._decisions.condemned.add(id(resource))
            steps.append(Step(Op.DELETE_REPLACED, resource.urn, resource, keeps_old=True))
        return steps

    def _condemned(self, root: Resource) -> list[Resource]:
        replaced = {root.urn}
        found = []
        for resource in dependents([root.urn], self._run.previous.resources):
            if resource.delete or resource.urn in self._decisions.settled:
                continue
            if self._must_go(resource, replaced):
                replaced.add(resource.urn)
                found.append(resource)
        known = {id(resource) for resource in found}
        for resource in self._run.olds.values():
            tied = root.urn in resource.replace_with or resource.deleted_with == root.urn
            if tied and id(resource) not in known and resource.urn not in self._decisions.settled:
                found.append(resource)
        return found

    def _must_go(self, resource: Resource, replaced: set[str]) -> bool:
        if not resource.custom or resource.external:
            return False
        if resource.provider and urns.parse_reference(resource.provider).urn in replaced:
            return True
        if resource.deleted_with in replaced:
            return True
        return self._replaced_by_unknowns(resource, replaced)

    def _replaced_by_unknowns(self, resource: Resource, replaced: set[str]) -> bool:
        """Whether the provider would replace the resource if what it takes from the replaced ones changed."""
        touched = {
            key for key, needed in resource.property_dependencies.items() if replaced.intersection(needed)
        }
        touched &= resource.inputs.keys()
        if not touched:
            return False
        news = {key: values.UNKNOWN if key in touched else value for key, value in resource.inputs.items()}
        if resource.is_provider:
            reference = str(urns.ProviderReference(resource.urn, resource.id))
            return self._run.providers.get(reference).diff_config(resource, news).replace
        provider = self._run.providers.get(resource.provider)
        diff = provider.diff(resource, news, resource.ignore_changes, preview=True)
        return with_replace_on_changes(diff, resource.replace_on_changes).replace
