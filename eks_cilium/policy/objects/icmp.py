"""Types of ICMP messages by the names that policies may give them (pkg/policy/api/icmp.go)."""

from __future__ import annotations

IPV4 = {
    "EchoReply": 0,
    "DestinationUnreachable": 3,
    "Redirect": 5,
    "Echo": 8,
    "EchoRequest": 8,
    "RouterAdvertisement": 9,
    "RouterSelection": 10,
    "TimeExceeded": 11,
    "ParameterProblem": 12,
    "Timestamp": 13,
    "TimestampReply": 14,
    "Photuris": 40,
    "ExtendedEchoRequest": 42,
    "ExtendedEchoReply": 43,
}
IPV6 = frozenset(
    (
        *("DestinationUnreachable", "PacketTooBig", "TimeExceeded", "ParameterProblem", "EchoRequest"),
        *("EchoReply", "MulticastListenerQuery", "MulticastListenerReport", "MulticastListenerDone"),
        *("RouterSolicitation", "RouterAdvertisement", "NeighborSolicitation", "NeighborAdvertisement"),
        *("RedirectMessage", "RouterRenumbering", "ICMPNodeInformationQuery", "ICMPNodeInformationResponse"),
        *("InverseNeighborDiscoverySolicitation", "InverseNeighborDiscoveryAdvertisement"),
        *("HomeAgentAddressDiscoveryRequest", "HomeAgentAddressDiscoveryReply"),
        *("MobilePrefixSolicitation", "MobilePrefixAdvertisement", "DuplicateAddressRequestCodeSuffix"),
        *("DuplicateAddressConfirmationCodeSuffix", "ExtendedEchoRequest", "ExtendedEchoReply"),
    )
)
HIGHEST = 255


def number_of(text: str) -> int:
    """The number of a type of ICMP for IPv4: `8` and `EchoRequest` are 8.

    Raises:
        ValueError: The text is no number up to 255 and no name.
    """
    if text in IPV4:
        return IPV4[text]
    if not text.isascii() or not text.isdigit() or int(text) > HIGHEST:
        raise ValueError(f"{text!r} is no type of ICMP: 0 to {HIGHEST}, or one of {', '.join(IPV4)}")
    return int(text)
