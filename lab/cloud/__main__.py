"""`python -m lab.cloud --directory DIR --cache CACHE`: run the cloud until a signal stops it.

`python -m lab up` and the tests start it. SIGTERM, SIGINT and SIGHUP stop every control plane, then the
process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

# moto reads this at import. Without it, AWS-managed policies cannot be attached to a role.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from lab.cloud.eks.launcher import KubernetesLauncher
from lab.cloud.server import Cloud, Settings
from lab.cloud.timing import Timing
from lab.toolchain import Toolchain


def main() -> NoReturn:
    arguments = _arguments()
    directory: Path = arguments.directory.resolve()
    settings = Settings(
        directory=directory,
        timing=Timing.load(directory / "timing.json"),
        region=arguments.region,
        port=arguments.port,
    )
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    toolchain = Toolchain(arguments.cache, lambda line: print(line, file=sys.stderr, flush=True))
    cloud = Cloud(
        settings,
        lambda url: KubernetesLauncher(
            directory=directory / "clusters",
            toolchain=toolchain,
            cloud_url=url,
            crds=arguments.cache / "crds",
            nodes=_settings_of_nodes(directory / "nodes.json"),
        ),
    )
    cloud.start()
    stopping.wait()
    cloud.stop()
    sys.stderr.flush()
    os._exit(0)  # everything has stopped; freeing moto's objects would take seconds more


def _settings_of_nodes(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.cloud", description="Run the cloud of the lab.")
    parser.add_argument("--directory", type=Path, required=True, help="where the cloud keeps its files")
    parser.add_argument("--cache", type=Path, required=True, help="where built artifacts are kept")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--region", default="eu-central-1", help="region written into cloud.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
