"""The function that reads SSM parameters, where EKS publishes its machine images."""

from lab.providers.aws.cloud import Cloud, find
from lab.providers.aws.functions.function import Function, NotFoundError
from lab.providers.values import Properties, Secret


def parameter(cloud: Cloud, arguments: Properties) -> Properties:
    # `insecureValue` is only set for parameters that are not secret.
    decrypt = bool(arguments.get("withDecryption", True))
    answer = find(cloud.client("ssm").get_parameter, Name=arguments["name"], WithDecryption=decrypt)
    if answer is None:
        raise NotFoundError(f"there is no SSM parameter '{arguments['name']}'")
    live = answer["Parameter"]
    in_clear = {} if live["Type"] == "SecureString" else {"insecureValue": live["Value"]}
    return {
        "id": live["Name"],
        "name": live["Name"],
        "type": live["Type"],
        "value": Secret(live["Value"]),
        "version": live["Version"],
        "arn": live["ARN"],
        **in_clear,
    }


FUNCTIONS = (Function("aws:ssm/getParameter:getParameter", ("name", "withDecryption"), parameter),)
