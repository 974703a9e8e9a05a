"""A SIP dialog: who talks to whom and over which proxies (RFC 3261 section 12)."""

from dataclasses import dataclass, field

from clearline.sensors.probe.message import USER_AGENT, Request, clean, via_value
from clearline.voice.wire import sip


@dataclass(slots=True)
class Dialog:
    """One side's view of an established dialog."""

    call_id: str
    local: str
    """Our From (or To) value, with its tag."""
    remote: str
    """The other side's, with its tag."""
    target: str
    """The other side's Contact URI."""
    route: tuple[str, ...] = ()
    """Route values for our requests, first hop first."""
    cseq: int = field(default=1)
    """Of our latest request."""

    def request(self, method: str, *, transport: str, host: str, port: int, branch: str) -> Request:
        """Make a request inside the dialog; its sequence number is one higher, but ACK keeps it (12.2.1.1).

        A first route without `lr` is a strict router: it becomes the request URI and the target the last route.

        Args:
            method: BYE, ACK …
            transport: of the Via.
            host: our address.
            port: our port.
            branch: new for each request, ACK of a 2xx included (13.2.2.4).
        """
        if method != "ACK":
            self.cseq += 1
        uri, route = self.target, self.route
        if route and "lr" not in sip.parameters(sip.address(route[0]).uri):
            uri, route = sip.address(route[0]).uri, (*route[1:], f"<{self.target}>")
        return Request(
            method,
            uri,
            (
                ("via", via_value(transport, host, port, branch)),
                *(("route", value) for value in route),
                ("max-forwards", "70"),
                ("from", self.local),
                ("to", self.remote),
                ("call-id", self.call_id),
                ("cseq", f"{self.cseq} {method}"),
                ("user-agent", USER_AGENT),
            ),
        )


def from_answer(request: Request, response: sip.SipMessage) -> Dialog:
    """Make the caller's dialog from its INVITE and the answer (12.1.2): the Record-Route values in reverse order.

    Raises:
        SipError: the answer has no Contact to send to.
    """
    return Dialog(
        call_id=request.values("call-id")[0],
        local=request.values("from")[0],
        remote=clean(response.header("to") or ""),
        target=_target(response),
        route=tuple(clean(value) for value in reversed(response.values("record-route"))),
        cseq=int(request.values("cseq")[0].split()[0]),
    )


def from_request(request: sip.SipMessage, to_tag: str) -> Dialog:
    """Make the called side's dialog from the INVITE it received (12.1.1): the Record-Route values in their order.

    Raises:
        SipError: the request has no Contact to send to.
    """
    return Dialog(
        call_id=clean(request.call_id),
        local=f"{clean(request.header('to') or '')};tag={to_tag}",
        remote=clean(request.header("from") or ""),
        target=_target(request),
        route=tuple(clean(value) for value in request.values("record-route")),
        cseq=0,
    )


def _target(message: sip.SipMessage) -> str:
    contacts = message.values("contact")
    if not contacts:
        raise sip.SipError(f"{message.method or message.status} without a Contact")
    return clean(sip.address(contacts[0]).uri)
