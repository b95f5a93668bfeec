"""`python -m lab`: the offline cloud from the command line.

python -m lab up                 build what is missing and start it
python -m lab existing           make an EKS cluster on the AWS VPC CNI in it, with workloads
python -m lab env                what kubectl, helm, aws and boto3 need:  eval "$(python -m lab env)"
python -m lab pulumi -- preview  run the program in it, with any of pulumi's arguments
python -m lab status             what runs, and what it cost so far
python -m lab down               stop everything and forget it
"""

import argparse
import shlex
import sys
from collections.abc import Sequence

from lab import lifecycle, program, report
from lab.environment import Cloud, Places, client_variables
from lab.errors import LabError
from lab.existing.making import make
from lab.existing.shape import Shape, VpcCni


def main(arguments: Sequence[str]) -> int:
    """Run one command of the lab and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(COMMANDS[options.command](Places.default(), options))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def up(places: Places, _: argparse.Namespace) -> int:
    """Start the lab."""
    cloud = lifecycle.up(places, report.progress)
    print(f"The lab is up: a cloud at {cloud.url}, region {cloud.region}.")
    print('Use it:   eval "$(python -m lab env)"   or   python -m lab pulumi -- preview')
    return 0


def existing(places: Places, options: argparse.Namespace) -> int:
    """Make a cluster such as a replacement starts from; starts the lab when it is not up."""
    shape = Shape(name=options.name, nodes=options.nodes, vpc_cni=VpcCni(options.vpc_cni))
    if not lifecycle.is_running(places):
        lifecycle.up(places, report.progress)
    make(places, shape, report.progress)
    print(f"Cluster {shape.name} runs: {shape.nodes} nodes on the AWS VPC CNI ({shape.vpc_cni}).")
    print('Use it:   eval "$(python -m lab env)"   and   kubectl --context ' + shape.name + " get pods -A")
    return 0


def down(places: Places, _: argparse.Namespace) -> int:
    """Stop the lab."""
    lifecycle.down(places, report.progress)
    print("The lab is down.")
    return 0


def status(places: Places, _: argparse.Namespace) -> int:
    """Print what runs in the lab."""
    cloud = Cloud.read(places.cloud)
    if not lifecycle.is_running(places):
        print("The lab has died; `python -m lab down` cleans up after it.")
        return 1
    print(f"cloud      {cloud.url}  region {cloud.region}  account {cloud.account}")
    for line in report.contents(places):
        print(line)
    return 0


def env(places: Places, _: argparse.Namespace) -> int:
    """Print shell exports for every plain client, and refresh the lab's kubeconfig."""
    variables = client_variables(places)
    report.write_kubeconfig(places)
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def pulumi(places: Places, options: argparse.Namespace) -> int:
    """Run the program with pulumi's own arguments."""
    arguments = [word for word in options.arguments if word != "--"] or ["--help"]
    Cloud.read(places.cloud)
    program.provide_chart(places, report.progress, program.chosen_stack(arguments))
    return program.run(places, arguments)


COMMANDS = {"up": up, "existing": existing, "down": down, "status": status, "env": env, "pulumi": pulumi}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=(command.__doc__ or "").strip())
        if name == "pulumi":
            sub.add_argument("arguments", nargs=argparse.REMAINDER, help="pulumi's arguments, after --")
        if name == "existing":
            _describe_shape(sub)
    return parser


def _describe_shape(parser: argparse.ArgumentParser) -> None:
    usual = Shape()
    managers = [str(each) for each in VpcCni]
    parser.add_argument("--name", default=usual.name, help="of the cluster (default: %(default)s)")
    parser.add_argument("--nodes", type=int, default=usual.nodes, help="how many (default: %(default)s)")
    parser.add_argument(
        "--vpc-cni", choices=managers, default=str(usual.vpc_cni), help="who looks after aws-node"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
