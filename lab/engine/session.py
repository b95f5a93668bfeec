"""One operation on a stack from start to end.

It starts services, providers and program, performs the operation, and ends all of them however the operation
ends. The command line calls `update`, `refresh` and `destroy`, and turns Ctrl-C into `interrupt` and
`abandon`.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.engine.errors import EngineError, RunStopped
from lab.engine.events import Severity, Sink
from lab.engine.processes.children import Child, Children
from lab.engine.program.launch import Program
from lab.engine.program.monitor import Engine, Monitor, Server
from lab.engine.program.registrar import Registrar
from lab.engine.providers.plugin import Host
from lab.engine.providers.registry import Launcher, Providers, Sources
from lab.engine.run import Options, Run
from lab.engine.steps.decisions import Decisions
from lab.engine.steps.deletes import execute_deletes, plan_deletes
from lab.engine.steps.executor import Executor
from lab.engine.steps.refresh import Refresher

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from lab.engine.project.files import Configuration, Project
    from lab.engine.providers.builtin import StackOutputs
    from lab.engine.state.deployment import Deployment
    from lab.engine.state.snapshot import Snapshot
    from lab.engine.state.values import Properties

# Seconds that the program has to end once the engine has nothing more to do.
_GRACE = 5.0
_POLL = 0.05
# Exit code of a program that failed and reported the reason.
_REPORTED = 32

_PENDING = """\
Attempting to deploy or update resources with {count} pending operations from previous deployment.
{listed}
These resources are in an unknown state because the engine was interrupted while waiting for changes to
complete. Check whether they exist; they stay listed until they are removed with `stack export` and
`stack import`."""


@dataclass(frozen=True)
class Result:
    failed: bool
    interrupted: bool
    outputs: Properties

    @property
    def exit_code(self) -> int:
        return 1 if self.failed or self.interrupted else 0


class Session:
    def __init__(
        self,
        *,
        project: Project,
        configuration: Configuration,
        options: Options,
        sources: Sources,
        sink: Sink,
        stack_outputs: StackOutputs,
        environment: Mapping[str, str],
    ) -> None:
        self._project = project
        self._configuration = configuration
        self._options = options
        self._sources = sources
        self._sink = sink
        self._stack_outputs = stack_outputs
        self._environment = environment
        self._children = Children()
        self._server = Server()
        self._run: Run | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        """Let running operations finish and start no more."""
        self._interrupted = True
        if self._run:
            self._run.interrupt()

    def abandon(self) -> None:
        self._children.kill()

    def update(self, deployment: Deployment, snapshot: Snapshot | None) -> Result:
        """Run the program and make the stack match it; without a snapshot only show what would change."""

        def work(run: Run) -> Properties:
            registrar = Registrar(run)
            monitor = Monitor(run, registrar)
            self._server.start(monitor, Engine(run))
            self._warn_of_pending(run)
            program = Program(self._project, self._configuration, self._options, self._environment)
            child = program.start(self._children, self._server.address, self._report)
            try:
                if self._follow(run, child, monitor.program_done):
                    self._delete_rest(run, registrar)
            finally:
                run.wait_idle()
                monitor.run_done.set()
                self._end_program(run, child)
                outputs = registrar.finish_stack(complete=not run.failed and not run.stopped)
            return outputs

        return self._guarded(deployment, snapshot, work)

    def destroy(self, deployment: Deployment, snapshot: Snapshot | None) -> Result:
        """Delete every resource, without running the program."""

        def work(run: Run) -> Properties:
            self._start_services(run)
            self._warn_of_pending(run)
            decisions = Decisions()
            executor = Executor(run, decisions.deleted)
            execute_deletes(run, executor, plan_deletes(run, decisions))
            return {}

        return self._guarded(deployment, snapshot, work)

    def refresh(self, deployment: Deployment, snapshot: Snapshot | None) -> Result:
        """Update the state from what the providers read."""

        def work(run: Run) -> Properties:
            self._start_services(run)
            Refresher(run).refresh()
            return deployment.stack_outputs()

        return self._guarded(deployment, snapshot, work)

    def _guarded(
        self, deployment: Deployment, snapshot: Snapshot | None, work: Callable[[Run], Properties]
    ) -> Result:
        run = self._new_run(deployment, snapshot)
        outputs: Properties = {}
        try:
            outputs = work(run)
        except RunStopped:
            pass  # the reason was reported when the run was stopped
        except EngineError as error:
            run.fail("", str(error))
        finally:
            run.stop()
            run.wait_idle()
            run.providers.close()
            self._server.stop()
            self._children.close()
        if snapshot is not None:
            snapshot.close()
        return Result(run.failed, run.interrupted, outputs)

    def _new_run(self, deployment: Deployment, snapshot: Snapshot | None) -> Run:
        host = Host(self._server.address, str(self._project.directory), str(self._project.program))
        launcher = Launcher(
            sources=self._sources,
            children=self._children,
            host=host,
            project=self._project.name,
            stack_outputs=self._stack_outputs,
            environment=self._environment,
            report=self._report,
        )
        olds = {resource.urn: resource for resource in deployment.resources if not resource.delete}
        self._run = Run(
            options=self._options,
            configuration=self._configuration,
            previous=deployment,
            snapshot=snapshot,
            providers=Providers(launcher, olds),
            sink=self._sink,
        )
        if self._interrupted:
            self._run.interrupt()
        return self._run

    def _start_services(self, run: Run) -> None:
        self._server.start(Monitor(run, Registrar(run)), Engine(run))

    def _report(self, stream: str, line: str) -> None:
        # Everything that a child prints is a message about the stack.
        del stream
        self._sink.message(Severity.INFO, "", line)

    def _warn_of_pending(self, run: Run) -> None:
        if not run.previous.pending:
            return
        listed = "\n".join(
            f"  * {entry.resource.urn}, interrupted while {entry.kind}" for entry in run.previous.pending
        )
        run.warn("", _PENDING.format(count=len(run.previous.pending), listed=listed))

    def _follow(self, run: Run, child: Child, program_done: threading.Event) -> bool:
        """Wait until the program has registered everything, and return whether it did."""
        while not program_done.is_set():
            code = child.wait(_POLL)
            if code is not None:
                return self._ended(run, code)
            if run.stopped and run.wait_idle(_POLL):
                return False
        return not run.stopped

    def _ended(self, run: Run, code: int) -> bool:
        if code and not run.failed and not run.stopped:
            run.failed = True
            if code != _REPORTED:
                run.error("", f"the program ended with exit code {code}")
        return code == 0 and not run.stopped

    def _delete_rest(self, run: Run, registrar: Registrar) -> None:
        run.wait_idle()
        run.raise_if_stopped()
        steps = plan_deletes(run, registrar.planner.decisions)
        execute_deletes(run, registrar.executor, steps)

    def _end_program(self, run: Run, child: Child) -> None:
        # An interrupted program is ended at once; otherwise it may still print until the grace period is
        # over.
        if run.interrupted or child.wait(_GRACE) is None:
            child.signal(signal.SIGINT)
            child.wait(_GRACE)
        child.end()
