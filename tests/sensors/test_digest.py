"""Digest authentication against the vectors of RFC 2617 and RFC 7616, and a registrar that challenges."""

import pytest

from clearline.sensors.probe.digest import Challenge, authorization, challenge_of, digest_response
from clearline.sensors.probe.exchange import Context
from clearline.sensors.probe.options import Local
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.register import RegisterProbe, register_request
from clearline.sensors.probe.target import Credentials, Target
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sip

SECRET = "secret"
ALICE = Credentials("alice", SECRET)
MUFASA = Credentials("Mufasa", "Circle Of Life")
RFC2617 = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "MD5", True, None, False, False)
RFC7616_REALM, RFC7616_NONCE = "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"


def test_md5_with_qop_gives_the_response_of_rfc_2617_section_3_5() -> None:
    assert (
        digest_response(RFC2617, MUFASA, method="GET", uri="/dir/index.html", cnonce="0a4f113b", count=1)
        == "6629fae49393a05397450978507c4ef1"
    )


def test_md5_without_qop_gives_the_response_of_rfc_2069_as_corrected() -> None:
    """RFC 2069 section 2.4 with the erratum 749."""
    old = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "MD5", False, None, False, False)
    credentials = Credentials("Mufasa", "CircleOfLife")
    assert (
        digest_response(old, credentials, method="GET", uri="/dir/index.html", cnonce="", count=1)
        == "1949323746fe6a43ef61f9606e7febea"
    )


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_both_algorithms_give_the_responses_of_rfc_7616_section_3_9_1(algorithm: str, expected: str) -> None:
    challenge = Challenge(RFC7616_REALM, RFC7616_NONCE, algorithm, True, None, False, False)
    credentials = Credentials("Mufasa", "Circle of Life")
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    assert (
        digest_response(challenge, credentials, method="GET", uri="/dir/index.html", cnonce=cnonce, count=1) == expected
    )


def challenged(*values: str, status: int = 401) -> Challenge | None:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    lines = [f"SIP/2.0 {status} x", *(f"{name}: {value}" for value in values), "", ""]
    return challenge_of(sip.parse("\r\n".join(lines).encode()))


def test_the_first_challenge_we_can_answer_is_taken() -> None:
    sha, md5 = 'Digest realm="r", nonce="n1", algorithm=SHA-256, qop="auth,auth-int"', 'digest realm="r",nonce="n2"'
    assert challenged('Digest realm="r", nonce="n", algorithm=SHA-512-256', "Basic x", sha, md5) == Challenge(
        "r", "n1", "SHA-256", True, None, False, False
    )
    assert challenged(md5, sha, status=407) == Challenge("r", "n2", "MD5", False, None, False, True)


@pytest.mark.parametrize(
    "value", ["", "Basic realm=x", "Digest", 'Digest realm="r"', 'Digest realm="r",nonce="n",qop="auth-int"']
)
def test_a_challenge_we_cannot_answer_is_none(value: str) -> None:
    assert challenged(value) is None


def test_quotes_and_backslashes_survive_both_ways() -> None:
    challenge = challenged('Digest realm="a \\"b\\" \\\\c", nonce="n", opaque="o"')
    assert challenge is not None
    assert challenge.realm == 'a "b" \\c'
    name, value = authorization(challenge, Credentials('u"x', "p"), method="M", uri="sip:h", cnonce="c", count=1)
    assert name == "authorization"
    assert 'username="u\\"x", realm="a \\"b\\" \\\\c"' in value
    assert 'opaque="o"' in value
    assert "qop" not in value


# a registrar ---------------------------------------------------------------


class Registrar:
    """Challenges, checks and registers, as a table of what it was asked."""

    def __init__(self, *, password: str = SECRET, algorithm: str = "MD5", nonces: tuple[str, ...] = ("n1",)) -> None:
        self.password, self.algorithm = password, algorithm
        self.nonces = list(nonces)
        self.seen: list[sip.SipMessage] = []
        self.bindings: set[str] = set()

    def answer(self, data: bytes) -> bytes:
        asked = sip.parse(data)
        self.seen.append(asked)
        given = asked.header("authorization") or ""
        if f'nonce="{self.nonces[-1]}"' not in given:
            nonce = self.nonces.pop(0) if len(self.nonces) > 1 else self.nonces[0]
            stale = ", stale=TRUE" if given else ""
            return self._said(asked, "401 Unauthorized", self._challenge(nonce) + stale)
        challenge = Challenge("voip", self.nonces[-1], self.algorithm, True, None, False, False)
        right = digest_response(
            challenge, Credentials("alice", self.password), method="REGISTER", uri="sip:h", cnonce="c0ffee", count=1
        )
        if f'response="{right}"' not in given:
            return self._said(asked, "401 Unauthorized", self._challenge(self.nonces[-1]))
        change = self.bindings.discard if asked.header("expires") == "0" else self.bindings.add
        change(asked.header("contact") or "")
        return self._said(asked, "200 OK", None)

    def _challenge(self, nonce: str) -> str:
        return f'Digest realm="voip", nonce="{nonce}", algorithm={self.algorithm}, qop="auth"'

    def _said(self, asked: sip.SipMessage, status: str, challenge: str | None) -> bytes:
        lines = [f"SIP/2.0 {status}", f"Via: {asked.header('via')}", f"CSeq: {asked.header('cseq')}"]
        lines += [f"WWW-Authenticate: {challenge}"] if challenge else []
        return "\r\n".join([*lines, "", ""]).encode()


def registered(registrar: Registrar, credentials: Credentials | None = ALICE) -> Outcome:
    target = Target("x", "t", "sip:alice@h", "register", credentials=credentials)
    request = register_request(target, Local("UDP", "192.0.2.9", 5060), "c0ffee")
    probe = RegisterProbe(request, Context(credentials, False, Timers(), "c0ffee"), timeout_us=4_000_000, now_us=0)
    for _ in range(12):
        for data in probe.to_send():
            probe.receive(registrar.answer(data), 1000)
        if probe.outcome is not None:
            return probe.outcome
    raise AssertionError("the probe does not come to an end")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_an_account_registers_with_its_password_and_leaves_nothing_behind(algorithm: str) -> None:
    registrar = Registrar(algorithm=algorithm)
    assert registered(registrar) == Outcome(True, 200, "200 OK", 1000)
    assert registrar.bindings == set()
    assert [asked.header("expires") for asked in registrar.seen] == ["60", "60", "0", "0"]
    assert [asked.cseq[0] for asked in registrar.seen] == [1, 2, 3, 4]
    assert len({asked.header("via") for asked in registrar.seen}) == 4
    assert len({asked.call_id for asked in registrar.seen}) == 1


def test_a_stale_nonce_is_answered_again_with_the_new_one() -> None:
    registrar = Registrar(nonces=("old", "new"))
    assert registered(registrar).ok
    assert [("old" in (asked.header("authorization") or "")) for asked in registrar.seen[:3]] == [False, True, False]


def test_a_wrong_password_is_tried_once_and_said_to_be_wrong() -> None:
    registrar = Registrar(password="other")
    outcome = registered(registrar)
    assert (outcome.ok, outcome.code) == (False, 401)
    assert outcome.reason == "401 Unauthorized: user or password was not accepted"
    assert len(registrar.seen) == 2


def test_without_credentials_a_challenge_is_the_end() -> None:
    assert registered(Registrar(), None).reason == "401 Unauthorized: a password is asked for"


def test_a_registrar_that_challenges_for_ever_is_given_up() -> None:
    registrar = Registrar(nonces=("1", "2", "3", "4", "5", "6", "7", "8"))
    assert not registered(registrar).ok
    assert len(registrar.seen) == 4


def test_a_registrar_that_never_answers_and_one_that_forgets_the_de_registration() -> None:
    target = Target("x", "t", "sip:h", "register", credentials=None)
    request = register_request(target, Local("UDP", "192.0.2.9", 5060), "c0ffee")
    assert request.values("to") == ["<sip:probe@h>"]
    silent = RegisterProbe(request, Context(None, False, Timers(), "c0ffee"), timeout_us=4_000_000, now_us=0)
    silent.to_send()
    silent.on_timer(4_000_000)
    assert silent.outcome is not None
    assert silent.outcome.reason.startswith("no answer within 4 s")
    forgetful = RegisterProbe(request, Context(None, False, Timers(), "c0ffee"), timeout_us=4_000_000, now_us=0)
    said = f"SIP/2.0 200 OK\r\nVia: {request.values('via')[0]}\r\nCSeq: 1 REGISTER\r\n\r\n"
    forgetful.receive(said.encode(), 1000)
    assert forgetful.outcome is None
    forgetful.on_timer(5_000_000)
    assert forgetful.outcome == Outcome(True, 200, "200 OK", 1000)
