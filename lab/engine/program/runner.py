"""The process of a Pulumi program: configures the SDK, runs the program and reports a failure.

The engine starts it and writes its settings as one line of JSON to standard input. Exit code 0 means success;
32, that the program failed and the reason was reported; 1, that the engine stopped it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import grpc
import pulumi
import pulumi.runtime

_STOPPED = "Resource monitor has terminated, shutting down"


def main() -> int:
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_engine, daemon=True).start()
    # After an interrupt the program has nothing to report, and a traceback would only confuse.
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))
    pulumi.runtime.set_all_config(task["config"], task["secretKeys"])
    settings = pulumi.runtime.Settings(**task["settings"])
    pulumi.runtime.configure(settings)
    sys.path.insert(0, task["program"])
    sys.argv = [task["program"]]
    try:
        _run(task["program"], task["settings"]["parallel"])
    except pulumi.RunError as error:
        return _report_run_error(error)
    except Exception as error:
        return _report_crash(error, task["program"])
    return 0


def _end_with_engine() -> None:
    # The engine holds the other end of standard input; it closes when the engine ends.
    sys.stdin.read()
    os._exit(1)


def _run(program: str, parallel: int) -> None:
    # The graph of a failed program is evaluated only in part, which asyncio would complain about.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=4 * max(parallel, 1))
    loop.set_default_executor(executor)

    def run_program() -> None:
        runpy.run_path(program, run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run_program))
    finally:
        executor.shutdown(wait=True)
        loop.close()


def _report_run_error(error: pulumi.RunError) -> int:
    # A RunError is raised for the user, so its message is reported without a traceback.
    if str(error) == _STOPPED:
        return 1
    _report(str(error))
    return 32


def _report_crash(error: Exception, program: str) -> int:
    if _caused_by_engine_stop(error):
        return 1
    _report("Program failed with an unhandled exception:\n" + _user_traceback(error, program))
    return 32


def _caused_by_engine_stop(error: BaseException | None) -> bool:
    """Whether the error was caused by the engine closing the connection."""
    while error is not None:
        if isinstance(error, pulumi.RunError) and str(error) == _STOPPED:
            return True
        if isinstance(error, grpc.RpcError) and error.code() == grpc.StatusCode.UNAVAILABLE:
            return True
        error = error.__cause__ or error.__context__
    return False


def _report(text: str) -> None:
    try:
        pulumi.log.error(text)
    except Exception:
        print(text, file=sys.stderr)  # the engine has ended, so the log service is not available


def _user_traceback(error: BaseException, program: str) -> str:
    """The traceback without the frames before the first one of the program."""
    report = traceback.TracebackException.from_exception(error)
    link: traceback.TracebackException | None = report
    while link is not None:
        frames = list(link.stack)
        own = next((i for i, frame in enumerate(frames) if frame.filename.startswith(program)), 0)
        link.stack = traceback.StackSummary.from_list(frames[own:])
        link = link.__cause__ or link.__context__
    return "".join(report.format()).rstrip()


if __name__ == "__main__":
    sys.exit(main())
