"""The deletions that come first when a resource is deleted before it is recreated.

A resource that depends on the replaced one, and would itself be replaced by the change, cannot outlive it: it
is deleted first and recreated when the program registers it.
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
    def __init__(self, run: Run, decisions: Decisions) -> None:
        self._run = run
        self._decisions = decisions

    def steps(self, urn: str, root: Resource) -> list[Step]:
        """The deletions before that of the root: dependents before the resources they depend on."""
        steps = []
        for resource in reversed(self._deleted_before(root)):
            if id(resource) in self._decisions.deleted_early:
                continue
            if resource.protect:
                msg = (
                    f'unable to replace resource "{resource.urn}" as part of replacing "{urn}" '
                    "as it is currently marked for protection"
                )
                raise StepError(urn, msg)
            self._decisions.deleted.add(resource.urn)
            self._decisions.deleted_early.add(id(resource))
            steps.append(Step(Op.DELETE_REPLACED, resource.urn, resource, keeps_old=True))
        return steps

    def _deleted_before(self, root: Resource) -> list[Resource]:
        replaced = {root.urn}
        found = []
        for resource in dependents([root.urn], self._run.previous.resources):
            if resource.delete or resource.urn in self._decisions.decided:
                continue
            if self._must_be_deleted(resource, replaced):
                replaced.add(resource.urn)
                found.append(resource)
        known = {id(resource) for resource in found}
        for resource in self._run.olds.values():
            tied = root.urn in resource.replace_with or resource.deleted_with == root.urn
            if tied and id(resource) not in known and resource.urn not in self._decisions.decided:
                found.append(resource)
        return found

    def _must_be_deleted(self, resource: Resource, replaced: set[str]) -> bool:
        if not resource.custom or resource.external:
            return False
        if resource.provider and urns.parse_reference(resource.provider).urn in replaced:
            return True
        if resource.deleted_with in replaced:
            return True
        return self._replaced_by_unknowns(resource, replaced)

    def _replaced_by_unknowns(self, resource: Resource, replaced: set[str]) -> bool:
        # The provider is asked what it would do if the properties that come from replaced resources changed.
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
