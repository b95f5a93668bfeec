"""The lab: an offline cloud on this machine, reached like AWS.

python -m lab up                 build what is missing and start the lab
python -m lab sample-cluster     create an EKS cluster on the AWS VPC CNI in it, with workloads
python -m lab env                print exports for kubectl, helm, aws and boto3:  eval "$(python -m lab env)"
python -m lab pulumi -- preview  run the program in it, with any arguments of pulumi
python -m lab status             list clusters, networks and processes
python -m lab down               stop everything and delete its data
"""

import argparse
import shlex
import sys
from collections.abc import Sequence

from lab import aws_cli, contents, lifecycle, program
from lab.environment import Cloud, Places, client_variables
from lab.errors import LabError
from lab.plugins import Providers, add_providers_option
from lab.progress import print_progress
from lab.sample_cluster.create import create_cluster
from lab.sample_cluster.spec import ClusterSpec, VpcCni


def main(arguments: Sequence[str]) -> int:
    """Run one command of the lab and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        places = Places.default(getattr(options, "providers", Providers.EMULATED))
        return int(COMMANDS[options.command](places, options))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def up(places: Places, _: argparse.Namespace) -> int:
    """Build what is missing and start the lab."""
    cloud = lifecycle.up(places, print_progress)
    print(f"The lab is running: its cloud answers at {cloud.url}, region {cloud.region}.")
    print('Use it:   eval "$(python -m lab env)"   or   python -m lab pulumi -- preview')
    return 0


def sample_cluster(places: Places, options: argparse.Namespace) -> int:
    """Create a cluster on the AWS VPC CNI with workloads, in a lab that is started if necessary."""
    spec = ClusterSpec(name=options.name, nodes=options.nodes, vpc_cni=VpcCni(options.vpc_cni))
    if not lifecycle.is_running(places):
        lifecycle.up(places, print_progress)
    create_cluster(places, spec, print_progress)
    print(f"Cluster {spec.name} is ready: {spec.nodes} nodes, aws-node {spec.vpc_cni}.")
    print('Use it:   eval "$(python -m lab env)"   and   kubectl --context ' + spec.name + " get pods -A")
    return 0


def down(places: Places, _: argparse.Namespace) -> int:
    """Stop everything and delete its data."""
    lifecycle.down(places, print_progress)
    print("The lab is stopped and its data is deleted.")
    return 0


def status(places: Places, _: argparse.Namespace) -> int:
    """List clusters, networks and processes."""
    cloud = Cloud.read(places.cloud)
    if not lifecycle.is_running(places):
        print("The lab has ended unexpectedly; remove what it left with `python -m lab down`.")
        return 1
    print(f"cloud      {cloud.url}  region {cloud.region}  account {cloud.account}")
    for line in contents.lines(places):
        print(line)
    return 0


def env(places: Places, _: argparse.Namespace) -> int:
    """Print shell exports for kubectl, helm, aws and boto3, and update the kubeconfig."""
    variables = client_variables(places)
    aws_cli.write_kubeconfig(places)
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def pulumi(places: Places, options: argparse.Namespace) -> int:
    """Run the program, with any arguments of pulumi."""
    arguments = [word for word in options.arguments if word != "--"] or ["--help"]
    Cloud.read(places.cloud)
    program.provide_chart(places, print_progress, program.chosen_stack(arguments))
    return program.run(places, arguments)


COMMANDS = {
    "up": up,
    "sample-cluster": sample_cluster,
    "down": down,
    "status": status,
    "env": env,
    "pulumi": pulumi,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=(command.__doc__ or "").strip())
        if name == "pulumi":
            add_providers_option(sub)
            sub.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of pulumi, after --")
        if name == "sample-cluster":
            _add_spec_options(sub)
    return parser


def _add_spec_options(parser: argparse.ArgumentParser) -> None:
    defaults = ClusterSpec()
    managers = [str(each) for each in VpcCni]
    parser.add_argument("--name", default=defaults.name, help="name of the cluster (default: %(default)s)")
    parser.add_argument(
        "--nodes", type=int, default=defaults.nodes, help="number of nodes (default: %(default)s)"
    )
    parser.add_argument(
        "--vpc-cni",
        choices=managers,
        default=str(defaults.vpc_cni),
        help="how aws-node is managed (default: %(default)s)",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
