"""A packet of Socket.IO that is refused as a whole where a client broke the protocol.

python-socketio's own packet takes much that its server then fails on, or obeys: the event
"disconnect" of a client, for example, calls the handler of disconnections.
"""

from __future__ import annotations

from typing import Final

from socketio import packet

MAX_ATTACHMENTS: Final = 10
MAX_ATTACHMENT_BYTES: Final = 262_144
"""Maximum number of bytes of all attachments of a packet together."""
MAX_NAMESPACE_CHARACTERS: Final = 100
ROOT_NAMESPACE: Final = "/"
RESERVED_EVENTS: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Names that stand for what happens to a connection, in the server and in clients. No client sends
them as events."""
BINARY_TYPES: Final = (packet.BINARY_EVENT, packet.BINARY_ACK)


class MalformedPacketError(Exception):
    """A client sent what is no packet of Socket.IO, or one that clients do not send."""


class StrictPacket(packet.Packet):
    """A Socket.IO packet whose parts have the types and limits that the protocol gives them."""

    def decode(self, encoded_packet: object) -> int:
        """Read the text of a packet, and return its number of attachments.

        Raises:
            MalformedPacketError: the text is no packet that a client sends.
        """
        if not isinstance(encoded_packet, str):
            raise MalformedPacketError("bytes without a packet that they belong to")
        try:
            count: int = super().decode(encoded_packet)
        except (ValueError, RecursionError) as error:
            raise MalformedPacketError(f"no packet of Socket.IO: {error}") from error
        self._check(count)
        return count

    def add_attachment(self, attachment: object) -> bool:
        """Add the bytes of an attachment, and return whether it was the last.

        Raises:
            MalformedPacketError: it is text, the attachments are too large, or the packet refers to
                one that it does not have.
        """
        if not isinstance(attachment, bytes):
            raise MalformedPacketError("text where the bytes of a packet must follow")
        if sum(map(len, self.attachments)) + len(attachment) > MAX_ATTACHMENT_BYTES:
            raise MalformedPacketError(f"more than {MAX_ATTACHMENT_BYTES} bytes for one packet")
        try:
            return bool(super().add_attachment(attachment))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise MalformedPacketError(f"a packet that lacks its bytes: {error}") from error

    def _check(self, attachments: int) -> None:
        kind, data, namespace = self.packet_type, self.data, self.namespace or ROOT_NAMESPACE
        if kind == packet.CONNECT_ERROR or kind > packet.BINARY_ACK:
            raise MalformedPacketError(f"a packet of type {kind}, which clients do not send")
        if len(namespace) > MAX_NAMESPACE_CHARACTERS:
            raise MalformedPacketError(f"a namespace of {len(namespace)} characters")
        if kind == packet.CONNECT:
            valid = data is None or isinstance(data, dict)
        elif namespace != ROOT_NAMESPACE:
            raise MalformedPacketError(f"a packet for {namespace!r}, to which it never connected")
        elif kind == packet.DISCONNECT:
            valid = data is None
        else:
            valid = isinstance(data, list)
        if kind in (packet.EVENT, packet.BINARY_EVENT):
            valid = valid and _is_event(data)
        if not valid:
            raise MalformedPacketError(f"a packet of type {kind} with data of another type")
        fewest, most = (1, MAX_ATTACHMENTS) if kind in BINARY_TYPES else (0, 0)
        if not fewest <= attachments <= most:
            raise MalformedPacketError(
                f"a packet of type {kind} with {attachments} attachments, not {fewest} to {most}"
            )


def _is_event(data: list[object]) -> bool:
    """Return whether data begin with the name of an event; the protocol allows numbers too."""
    name = data[0] if data else None
    valid = isinstance(name, str | int | float) and not isinstance(name, bool)
    return valid and name not in RESERVED_EVENTS
