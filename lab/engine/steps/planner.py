"""Decides the steps of one registration: checks its inputs and compares them with the state.

The registrar calls it for one registration at a time, because decisions depend on earlier ones; the resulting
steps are executed in parallel with others. The rules are those of the Pulumi engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.engine.errors import RunStopped, StepError
from lab.engine.events import Op, Step
from lab.engine.providers.diff import Diff, with_replace_on_changes
from lab.engine.state import property_paths, urns, values
from lab.engine.state.resources import Resource
from lab.engine.steps.aliases import Aliases
from lab.engine.steps.decisions import Decisions
from lab.engine.steps.delete_before_replace import Cascade

if TYPE_CHECKING:
    from lab.engine.providers.provider import Checked, Failure
    from lab.engine.run import Run
    from lab.engine.steps.goals import Goal


@dataclass
class Plan:
    goal: Goal
    urn: str
    old: Resource | None
    new: Resource
    steps: list[Step] = field(default_factory=list)
    imported: bool = False


class Planner:
    def __init__(self, run: Run) -> None:
        self._run = run
        self.aliases = Aliases(run.options.stack, run.options.project)
        self.decisions = Decisions()
        self._cascade = Cascade(run, self.decisions)

    # Naming

    def urn(self, parent: str, type_: str, name: str) -> str:
        """A new URN; a second use of the same URN is an error."""
        options = self._run.options
        urn = urns.make(options.stack, options.project, parent, type_, name)
        if parent and parent not in self.decisions.seen:
            raise StepError(urn, f"could not find parent resource {parent}")
        if urn in self.decisions.seen:
            raise StepError(urn, f"Duplicate resource URN '{urn}'; try giving it a unique name")
        self.decisions.seen.add(urn)
        return urn

    def _find_old(self, urn: str, goal: Goal) -> Resource | None:
        if urn in self.aliases.continued_by:
            new_urn = self.aliases.continued_by[urn]
            raise StepError(urn, f"Duplicate resource URN '{urn}' conflicting with alias of '{new_urn}'")
        if urn in self._run.olds:
            return self._run.olds[urn]
        for candidate in self.aliases.candidates(goal):
            old = self._run.olds.get(candidate)
            if old is None:
                continue
            if candidate in self.decisions.seen or candidate in self.aliases.continued_by:
                msg = f"Duplicate resource alias '{candidate}' applied to '{urn}': another resource has it"
                raise StepError(urn, msg)
            self.aliases.take(candidate, urn)
            self._run.providers.rename(candidate, urn)
            return old
        return None

    # Deciding

    def begin(self, goal: Goal) -> Plan:
        """Name the resource, find the old one that it continues, and plan its steps up to an import."""
        urn = self.urn(goal.parent, goal.type, goal.name)
        old = self._find_old(urn, goal)
        plan = Plan(goal, urn, old, self._new_resource(urn, goal, old))
        if self._imports(plan):
            plan.imported = True
            plan.steps = self._import_steps(plan)
        else:
            self.decide(plan)
        return plan

    def decide(self, plan: Plan) -> None:
        """Plan the steps; after an import, compare with what was imported."""
        if not self._targeted(plan):
            plan.steps = self._untargeted(plan)
        else:
            self._refuse_skipped_needs(plan)
            self._check(plan)
            plan.steps = self._steps(plan)
        # A renamed resource also decides about its old name.
        self.decisions.decided.update((plan.urn, *plan.new.aliases))

    def read(self, goal: Goal, identifier: str) -> Step:
        """Plan to read a resource that the program does not manage."""
        urn = self.urn(goal.parent, goal.type, goal.name)
        old = self._find_old(urn, goal)
        new = self._new_resource(urn, goal, old)
        new.external, new.id = True, identifier
        self.decisions.decided.update((urn, *new.aliases))
        if old is not None and not old.external and old.id != identifier:
            self.decisions.replaced.add(urn)
            return Step(Op.READ_REPLACEMENT, urn, old, new, keeps_old=True)
        return Step(Op.READ, urn, old, new)

    def _steps(self, plan: Plan) -> list[Step]:
        urn, old, new = plan.urn, plan.old, plan.new
        if old is None:
            return [Step(Op.CREATE, urn, new=new)]
        if urn in self.decisions.deleted:
            self.decisions.deleted.discard(urn)
            self.decisions.replaced.add(urn)
            return [Step(Op.REPLACE, urn, old, new), Step(Op.CREATE_REPLACEMENT, urn, old, new)]
        if old.external:
            return [
                Step(Op.CREATE_REPLACEMENT, urn, old, new, keeps_old=True),
                Step(Op.REPLACE, urn, old, new, keeps_old=True),
            ]
        diff = with_replace_on_changes(self._diff(plan, old), plan.goal.replace_on_changes)
        if (diff.changes and diff.replace) or old.pending_replacement:
            return self._replace(plan, old, diff)
        if diff.changes or old.init_errors:
            return [Step(Op.UPDATE, urn, old, new, diff)]
        return [] if plan.imported else [Step(Op.SAME, urn, old, new, diff)]

    def _new_resource(self, urn: str, goal: Goal, old: Resource | None) -> Resource:
        return Resource(
            urn=urn,
            type=goal.type,
            custom=goal.custom,
            inputs=goal.inputs,
            parent=goal.parent,
            protect=bool(goal.protect),
            dependencies=goal.dependencies,
            provider=goal.provider,
            property_dependencies=goal.property_dependencies,
            additional_secret_outputs=goal.additional_secret_outputs,
            aliases=[old.urn] if old is not None and old.urn != urn else [],
            custom_timeouts=goal.timeouts,
            import_id=goal.import_id,
            retain_on_delete=bool(goal.retain_on_delete),
            deleted_with=goal.deleted_with,
            replace_with=goal.replace_with,
            created=old.created if old else "",
            modified=old.modified if old else "",
            ignore_changes=goal.ignore_changes,
            replace_on_changes=goal.replace_on_changes,
        )

    # Targets

    def _targeted(self, plan: Plan) -> bool:
        implied = plan.new.is_provider or plan.goal.type == urns.STACK_TYPE
        return implied or self._run.options.targeted(plan.urn)

    def _untargeted(self, plan: Plan) -> list[Step]:
        if plan.old is None:
            self.decisions.skipped.add(plan.urn)
            return [Step(Op.SAME, plan.urn, new=plan.new, skipped=True)]
        # A resource that is no target keeps everything except its name.
        kept = plan.old.clone(
            urn=plan.urn, type=plan.goal.type, parent=plan.goal.parent, aliases=plan.new.aliases
        )
        plan.new = kept
        return [Step(Op.SAME, plan.urn, plan.old, kept)]

    def _refuse_skipped_needs(self, plan: Plan) -> None:
        for needed in sorted(plan.new.needs() & self.decisions.skipped):
            msg = f"Resource depends on '{needed}' which was not specified in --target list"
            raise StepError(plan.urn, msg)

    # Checking

    def _check(self, plan: Plan, *, recreated: bool = False) -> None:
        # A recreated resource is checked without the old inputs.
        goal, old = plan.goal, plan.old
        fresh = recreated or old is None or old.external or plan.urn in self.decisions.deleted
        news = goal.inputs
        if old is not None and not fresh:
            news = property_paths.put_back(news, old.inputs, goal.ignore_changes)
        olds = old.inputs if old is not None and not fresh else {}
        checked, failures = self._call_check(plan, olds, news)
        for failure in failures:
            self._run.error(plan.urn, _failure_text(plan, failure))
        if failures:
            self._run.stop()
            raise RunStopped
        plan.new.inputs = checked

    def _call_check(self, plan: Plan, olds: values.Properties, news: values.Properties) -> Checked:
        preview = self._run.preview
        if plan.new.is_provider:
            return self._run.providers.check(plan.urn, plan.goal.type, olds, news, preview=preview)
        if not plan.new.custom:
            return news, []
        provider = self._run.providers.get(plan.new.provider)
        return provider.check(plan.urn, olds, news, preview=preview)

    # Comparing

    def _diff(self, plan: Plan, old: Resource) -> Diff:
        for cause, blamed in (
            ("replaceWith", plan.new.replace_with),
            ("deletedWith", [plan.new.deleted_with]),
        ):
            if self.decisions.replaced.intersection(blamed):
                return Diff(changes=True, replaces=(cause,))
        if self._provider_changed(plan, old):
            return Diff(changes=True, replaces=("provider",))
        if not plan.new.custom:
            return Diff(changes=not values.equal(old.inputs, plan.new.inputs))
        # The provider knows the resource by its current name.
        old = old.clone(urn=plan.urn, type=plan.goal.type)
        if plan.new.is_provider:
            return self._run.providers.checked(plan.urn).diff_config(old, plan.new.inputs)
        provider = self._run.providers.get(plan.new.provider)
        if not provider.configured:
            msg = "The provider for this resource has inputs that are not known during preview."
            self._run.warn(
                plan.urn, f"{msg} This preview may not correctly represent the changes to be applied."
            )
        return provider.diff(old, plan.new.inputs, plan.goal.ignore_changes, preview=self._run.preview)

    def _provider_changed(self, plan: Plan, old: Resource) -> bool:
        # Another provider serves the resource now, and it cannot take over the old one's resources.
        before, after = old.provider, plan.new.provider
        if before == after:
            return False
        if not before or not after:
            return True
        was, is_ = urns.parse_reference(before), urns.parse_reference(after)
        if self.aliases.continued_by.get(was.urn) == is_.urn:
            return False
        resource, current = self._run.olds.get(was.urn), self._run.news.get(is_.urn)
        if resource is None or current is None:
            return True
        return self._run.providers.get(after).diff_config(resource, current.inputs).replace

    # Replacing

    def _replace(self, plan: Plan, old: Resource, diff: Diff) -> list[Step]:
        urn, goal = plan.urn, plan.goal
        self._refuse_protected(plan, old)
        if goal.import_id:
            self._refuse_imported(plan)
        self.decisions.replaced.add(urn)
        self._check(plan, recreated=True)
        before = (
            diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
        )
        if not before:
            return [
                Step(Op.CREATE_REPLACEMENT, urn, old, plan.new, diff, keeps_old=True),
                Step(Op.REPLACE, urn, old, plan.new, diff, keeps_old=True),
            ]
        steps = self._cascade.steps(urn, old)
        if not old.pending_replacement:
            self.decisions.deleted.add(old.urn)
            steps.append(Step(Op.DELETE_REPLACED, old.urn, old, keeps_old=True))
        return [
            *steps,
            Step(Op.REPLACE, urn, old, plan.new, diff),
            Step(Op.CREATE_REPLACEMENT, urn, old, plan.new, diff),
        ]

    def _refuse_protected(self, plan: Plan, old: Resource) -> None:
        if not (plan.new.protect and old.protect):
            return
        self._run.error(
            plan.urn,
            f'unable to replace resource "{plan.urn}"\n'
            "as it is currently marked for protection. To unprotect the resource, remove the `protect` flag "
            "from the resource in your Pulumi program and run `pulumi up`",
        )
        if not self._run.preview:
            self._run.stop()
            raise RunStopped

    def _refuse_imported(self, plan: Plan) -> None:
        text = (
            "previously-imported resources that still specify an ID may not be replaced; "
            "please remove the `import` declaration from your program"
        )
        if not self._run.preview:
            raise StepError(plan.urn, text)
        self._run.warn(plan.urn, text)

    # Importing

    def _imports(self, plan: Plan) -> bool:
        goal, old = plan.goal, plan.old
        if not goal.custom or not goal.import_id or not self._targeted(plan):
            return False
        return old is None or old.external or (old.import_id or old.id) != goal.import_id

    def _import_steps(self, plan: Plan) -> list[Step]:
        found = plan.new.clone(inputs={}, outputs={})
        if plan.old is None or plan.urn in self.decisions.deleted:
            return [Step(Op.IMPORT, plan.urn, new=found)]
        return [
            Step(Op.IMPORT_REPLACEMENT, plan.urn, plan.old, found, keeps_old=True),
            Step(Op.REPLACE, plan.urn, plan.old, found, keeps_old=True),
        ]


def _failure_text(plan: Plan, failure: Failure) -> str:
    head = f"{plan.goal.type} resource '{plan.goal.name}' has a problem: {failure.reason}"
    return f"{head}\nExamine values at '{plan.goal.name}.{failure.property}'." if failure.property else head
