"""The functions (invokes) that the lab offers: every module of this folder with `FUNCTIONS` adds to them."""

from lab.providers.aws.discovery import members
from lab.providers.aws.functions.function import Function

FUNCTIONS: dict[str, Function] = {
    function.token: function for function in members(__name__, __path__, "FUNCTIONS")
}
