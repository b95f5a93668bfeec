"""The commands that run the engine: preview, up, refresh and destroy."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from lab.engine.display.json_preview import preview_digest
from lab.engine.display.progress import LiveProgress, Progress
from lab.engine.display.record import Record
from lab.engine.display.report import diagnostics, ending, plan_lines
from lab.engine.errors import NoChangesExpectedError, UserError
from lab.engine.events import Op
from lab.engine.providers.registry import Sources
from lab.engine.run import Options
from lab.engine.session import Result, Session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from lab.engine.project.workspace import Workspace

ABANDONED = 8
"""Exit code after the second Ctrl-C; the Pulumi CLI uses it for a cancelled operation."""

_DOING = {"up": "Updating", "refresh": "Refreshing", "destroy": "Destroying"}
_TITLES = {"up": "update", "refresh": "refresh", "destroy": "destroy"}


class Command:
    def __init__(self, workspace: Workspace, arguments: argparse.Namespace) -> None:
        self._workspace = workspace
        self._arguments = arguments
        self._stack = workspace.stack(getattr(arguments, "stack", None))
        self._configuration = workspace.configuration(self._stack)
        # A wrong passphrase or a damaged state is reported before any operation starts.
        workspace.deployment(self._stack)
        self._sources = Sources.parse(arguments.providers, workspace.environment)

    def preview(self) -> int:
        if not self._arguments.json:
            return self._previewed("up").exit_code
        record = Record()
        result = self._run("up", record, planned=True)
        print(json.dumps(preview_digest(record, self._configuration), indent=4, ensure_ascii=False))
        self._refuse_changes(record)
        return result.exit_code

    def change(self) -> int:
        """Preview, ask for confirmation, then perform the change."""
        verb, arguments = self._arguments.verb, self._arguments
        asks = not arguments.yes
        if asks and not (sys.stdin.isatty() and sys.stdout.isatty() and not self._silent()):
            msg = "--yes must be passed in to proceed when running in non-interactive mode"
            raise UserError(msg, exit_code=2)
        if not arguments.skip_preview:
            planned = self._previewed(verb)
            if planned.exit_code:
                return planned.exit_code
            if asks and not _confirmed(_TITLES[verb]):
                return 1
        print(f"{_DOING[verb]} ({self._stack}):", flush=True)
        progress = self._progress(preview=False)
        result = self._run(verb, progress, planned=False)
        self._report(progress, result, planned=False)
        if not arguments.skip_preview:
            return result.exit_code
        self._refuse_changes(progress)
        return result.exit_code

    def _previewed(self, verb: str) -> Result:
        print(f"Previewing {_TITLES[verb]} ({self._stack}):", flush=True)
        progress = self._progress(preview=True)
        result = self._run(verb, progress, planned=True)
        for line in plan_lines(progress, difference=self._arguments.diff):
            print(line)
        self._report(progress, result, planned=True)
        if not result.exit_code:
            self._refuse_changes(progress)
        return result

    def _report(self, record: Record, result: Result, *, planned: bool) -> None:
        arguments = self._arguments
        name = f"{self._workspace.project.name}-{self._stack}"
        lines = diagnostics(record, name)
        lines += ending(
            record,
            self._before,
            None if result.exit_code or arguments.suppress_outputs else result.outputs,
            planned=planned,
            show_secrets=arguments.show_secrets,
        )
        print("\n".join(["", *lines, ""]), flush=True)

    def _refuse_changes(self, record: Record) -> None:
        ignored = {Op.READ}
        if self._arguments.expect_no_changes and any(step.shown not in ignored for step in record.changes()):
            msg = "no changes were expected but changes were proposed"
            raise NoChangesExpectedError(msg)

    def _run(self, verb: str, sink: Record, *, planned: bool) -> Result:
        with contextlib.ExitStack() as stack:
            if not planned:
                stack.enter_context(self._workspace.store.locked(self._stack))
            deployment = self._workspace.deployment(self._stack)
            snapshot = None if planned else self._workspace.snapshot(self._stack, deployment)
            self._before = dict(deployment.stack_outputs())
            session = self._session(sink, planned=planned)
            if isinstance(sink, Progress):
                sink.start()
                stack.callback(sink.close)
            stack.enter_context(Interruptions(session, self._notify))
            work = {"up": session.update, "refresh": session.refresh, "destroy": session.destroy}
            return work[verb](deployment, snapshot)

    def _session(self, sink: Record, *, planned: bool) -> Session:
        workspace = self._workspace
        options = Options(
            stack=self._stack,
            project=workspace.project.name,
            preview=planned,
            parallel=max(self._arguments.parallel, 1),
            targets=tuple(self._arguments.target),
        )
        return Session(
            project=workspace.project,
            configuration=self._configuration,
            options=options,
            sources=self._sources,
            sink=sink,
            stack_outputs=workspace.stack_outputs,
            environment=workspace.environment,
        )

    def _progress(self, *, preview: bool) -> Progress:
        live = sys.stdout.isatty() and not self._silent()
        kind = LiveProgress if live else Progress
        return kind(stream=sys.stdout, preview=preview)

    def _silent(self) -> bool:
        return bool(getattr(self._arguments, "non_interactive", False))

    def _notify(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Interruptions:
    """While open, the first Ctrl-C lets running operations finish; the second ends every process at once."""

    def __init__(self, session: Session, notify: Callable[[str], None]) -> None:
        self._session = session
        self._notify = notify
        self._previous: dict[int, Any] = {}
        self._count = 0

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, *_: object) -> None:
        self._count += 1
        if self._count == 1:
            self._notify("^C received: running operations will finish. Press ^C again to end immediately.")
            self._session.interrupt()
            return
        self._notify("^C received again: operations that were running stay in the state as pending.")
        self._session.abandon()
        os._exit(ABANDONED)


def _confirmed(what: str) -> bool:
    answer = input(f"Do you want to perform this {what}? [yes/no] ")
    return answer.strip().lower() in ("y", "yes")
