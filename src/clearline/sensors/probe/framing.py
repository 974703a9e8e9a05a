"""How messages are cut out of a stream of bytes, and put into one. No socket, no clock."""

from collections.abc import Callable
from typing import Protocol

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from clearline.sensors.probe import stun
from clearline.sensors.probe.locate import Endpoint
from clearline.voice.wire import sip

MAX_MESSAGE_BYTES = 65_536
"""Over a WebSocket: more than any SIP answer needs."""


class FramingError(Exception):
    """A stream cannot be followed any more. Reads on after the server's name: `sends no SIP: …`."""

    def __init__(self, said: str, advice: str) -> None:
        super().__init__(said)
        self.advice = advice


class Framing(Protocol):
    """One stream's messages."""

    @property
    def ready(self) -> bool:
        """Whether messages can be sent: false until a handshake of the framing's own is over."""
        ...

    def receive(self, data: bytes) -> list[bytes]:
        """Take in what has arrived and return the messages now whole.

        Raises:
            FramingError: it cannot be followed.
        """
        ...

    def wrap(self, message: bytes) -> bytes:
        """Return what to write for a message."""
        ...

    def to_send(self) -> bytes:
        """Return what the framing itself has to write now: handshakes, answers to pings."""
        ...


class Cut:
    """Messages that tell their own length."""

    ready = True

    def __init__(self, cut: Callable[[bytes], tuple[bytes | None, bytes]], what: str) -> None:
        """Start with nothing received.

        Args:
            cut: returns the first whole message of a buffer, or None, and the rest; raises `ValueError`.
            what: the protocol's name, for errors.
        """
        self._cut = cut
        self._what = what
        self._buffer = b""

    def receive(self, data: bytes) -> list[bytes]:
        """Take in what has arrived and return the messages now whole."""
        self._buffer += data
        found: list[bytes] = []
        try:
            while True:
                message, self._buffer = self._cut(self._buffer)
                if message is None:
                    return found
                found.append(message)
        except ValueError as error:
            advice = f"check that the port is a {self._what} server's"
            raise FramingError(f"sends no {self._what}: {error}", advice) from error

    def wrap(self, message: bytes) -> bytes:
        """Return the message as it is."""
        return message

    def to_send(self) -> bytes:
        """Return nothing: there is no handshake."""
        return b""


def sip_framing() -> Cut:
    """Cut SIP messages by their Content-Length."""
    return Cut(sip.frame, "SIP")


def stun_framing() -> Cut:
    """Cut STUN messages by the length in their head."""
    return Cut(stun.frame, "STUN")


class WebSocket:
    """SIP over a WebSocket: one message a frame, under the subprotocol `sip` (RFC 6455, RFC 7118)."""

    def __init__(self, endpoint: Endpoint, path: str) -> None:
        """Start the handshake.

        Args:
            endpoint: whose host and port the request names.
            path: what is asked for, from its slash on.
        """
        host = endpoint.name or endpoint.address
        shown = f"[{host}]" if ":" in host else host
        uri = parse_uri(f"{endpoint.transport.lower()}://{shown}:{endpoint.port}{path}")
        self._protocol = ClientProtocol(uri, subprotocols=[Subprotocol("sip")], max_size=MAX_MESSAGE_BYTES)
        self._protocol.send_request(self._protocol.connect())
        self._parts: list[bytes] = []

    @property
    def ready(self) -> bool:
        """Whether the server has agreed to speak SIP."""
        return self._protocol.subprotocol is not None

    def receive(self, data: bytes) -> list[bytes]:
        """Take in what has arrived and return the messages now whole."""
        self._protocol.receive_data(data)
        found: list[bytes] = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                found += self._framed(event)
        self._check()
        return found

    def _framed(self, frame: Frame) -> list[bytes]:
        if frame.opcode is Opcode.CLOSE:
            raise FramingError("closed the WebSocket", "look at the server's own log")
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return []
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return []
        whole, self._parts = b"".join(self._parts), []
        return [whole]

    def _check(self) -> None:
        """See that neither the handshake nor a frame was wrong."""
        wrong = self._protocol.handshake_exc
        if isinstance(wrong, InvalidStatus):
            said = f"{wrong.response.status_code} {wrong.response.reason_phrase}".strip()
            raise FramingError(f"refuses the WebSocket: {said}", "check the path, and whom the server lets in")
        if wrong is not None:
            raise FramingError(f"opens no WebSocket: {wrong}", "check that the port is a SIP server's WebSocket")
        if self._protocol.state is State.OPEN and self._protocol.subprotocol is None:
            said = "opens a WebSocket, but not for SIP: it does not agree to the subprotocol sip"
            raise FramingError(said, "check the path, and that a SIP server is behind it")
        if self._protocol.parser_exc is not None and not isinstance(self._protocol.parser_exc, EOFError):
            said = f"breaks the WebSocket protocol: {self._protocol.parser_exc}"
            raise FramingError(said, "look at the server's own log")

    def wrap(self, message: bytes) -> bytes:
        """Return the frame of a message."""
        self._protocol.send_text(message)
        return self.to_send()

    def to_send(self) -> bytes:
        """Return the handshake, and answers to pings."""
        return b"".join(self._protocol.data_to_send())
