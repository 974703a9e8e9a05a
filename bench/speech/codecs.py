"""Real codecs, by their libraries: speech in, the speech a listener hears after packets were lost out.

Every codec here takes packets of 20 ms and hears `lost[i]` for packet i.
"""

import ctypes
import ctypes.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from speech.signal import Samples

PACKET_S = 0.02


class LibraryMissingError(RuntimeError):
    """A codec's library isn't installed."""


@cache
def _library(file: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(file)
    except OSError as error:
        raise LibraryMissingError(file) from error


def _function(file: str, name: str, result: object = ctypes.c_int) -> Callable[..., int]:
    function = getattr(_library(file), name)
    function.restype = result
    return function  # type: ignore[no-any-return]  # ctypes names no type


def _pointer(array: object) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)  # type: ignore[attr-defined]  # a numpy array


def _packets(speech: Samples, size: int) -> Samples:
    """Cut speech into packets, leaving out what does not fill one."""
    return np.ascontiguousarray(speech[: len(speech) // size * size].reshape(-1, size))


# G.711: companding by the Recommendation's segments; concealment by spandsp's plc, of G.711 Appendix I's kind.


def _mu_law(speech: Samples) -> Samples:
    """Code and decode by mu-law: 14-bit magnitude plus 33 has its top five bits kept."""
    magnitude = np.minimum(np.abs(speech.astype(np.int32)) >> 2, 8158) + 33
    shift = np.floor(np.log2(magnitude)).astype(np.int32) - 4
    decoded = (((magnitude >> shift) << shift) + (1 << shift >> 1)) - 33
    return (np.sign(speech) * decoded * 4).clip(-32768, 32767).astype(np.int16)


def _a_law(speech: Samples) -> Samples:
    """Code and decode by A-law: 13-bit magnitude has its top five bits kept, its lowest step being 2."""
    magnitude = np.minimum(np.abs(speech.astype(np.int32)) >> 3, 4095)
    shift = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 1)
    decoded = ((magnitude >> shift) << shift) + (1 << shift >> 1)
    return (np.where(speech < 0, -1, 1) * decoded * 8).clip(-32768, 32767).astype(np.int16)


def g711(speech: Samples, lost: list[bool], variant: int) -> Samples:
    """Pass through G.711, mu-law for even variants and A-law for odd ones, with concealment."""
    packets = _packets(_a_law(speech) if variant % 2 else _mu_law(speech), 160)
    state = ctypes.c_void_p(_function("libspandsp.so.2", "plc_init", ctypes.c_void_p)(None))
    receive = _function("libspandsp.so.2", "plc_rx")
    conceal = _function("libspandsp.so.2", "plc_fillin")
    for packet, gone in zip(packets, lost, strict=True):
        (conceal if gone else receive)(state, _pointer(packet), 160)
    _function("libspandsp.so.2", "plc_free")(state)
    return packets.ravel()


def g711_without_plc(speech: Samples, lost: list[bool], variant: int) -> Samples:
    """Pass through G.711, with silence for what was lost."""
    packets = _packets(_a_law(speech) if variant % 2 else _mu_law(speech), 160)
    packets[np.array(lost)] = 0
    return packets.ravel()


def g729a(speech: Samples, lost: list[bool], variant: int) -> Samples:  # noqa: ARG001  # one kind only
    """Pass through G.729 Annex A without voice activity detection, two frames a packet."""
    library = "libbcg729.so.0"
    encoder = ctypes.c_void_p(_function(library, "initBcg729EncoderChannel", ctypes.c_void_p)(ctypes.c_uint8(0)))
    decoder = ctypes.c_void_p(_function(library, "initBcg729DecoderChannel", ctypes.c_void_p)())
    encode = _function(library, "bcg729Encoder", None)
    decode = _function(library, "bcg729Decoder", None)
    bits = np.zeros(10, np.uint8)
    length = ctypes.c_uint8(0)
    frames = _packets(speech, 80)[: 2 * len(lost)]
    heard = np.zeros_like(frames)
    for number, frame in enumerate(frames):
        encode(encoder, _pointer(frame), _pointer(bits), ctypes.byref(length))
        gone = ctypes.c_uint8(lost[number // 2])
        decode(decoder, _pointer(bits), length, gone, ctypes.c_uint8(0), ctypes.c_uint8(0), _pointer(heard[number]))
    _function(library, "closeBcg729EncoderChannel", None)(encoder)
    _function(library, "closeBcg729DecoderChannel", None)(decoder)
    return heard.ravel()


def decode_g722(coded: bytes) -> Samples:
    """Decode G.722 at 64 kbit/s to 16 kHz."""
    state = ctypes.c_void_p(_function("libspandsp.so.2", "g722_decode_init", ctypes.c_void_p)(None, 64000, 0))
    speech = np.zeros(2 * len(coded), np.int16)
    _function("libspandsp.so.2", "g722_decode")(state, _pointer(speech), coded, len(coded))
    _function("libspandsp.so.2", "g722_decode_free")(state)
    return speech


def g722(speech: Samples, lost: list[bool], variant: int) -> Samples:  # noqa: ARG001  # one kind only
    """Pass through G.722 at 64 kbit/s; a lost packet repeats the last, 6 dB softer each further time."""
    encoder = ctypes.c_void_p(_function("libspandsp.so.2", "g722_encode_init", ctypes.c_void_p)(None, 64000, 0))
    decoder = ctypes.c_void_p(_function("libspandsp.so.2", "g722_decode_init", ctypes.c_void_p)(None, 64000, 0))
    encode = _function("libspandsp.so.2", "g722_encode")
    decode = _function("libspandsp.so.2", "g722_decode")
    coded = np.zeros(160, np.uint8)
    packets = _packets(speech, 320)
    heard = np.zeros_like(packets)
    for number, packet in enumerate(packets):
        encode(encoder, _pointer(coded), _pointer(packet), 320)
        if not lost[number]:
            decode(decoder, _pointer(heard[number]), _pointer(coded), 160)
        elif number:
            heard[number] = heard[number - 1] // (2 if lost[number - 1] else 1)
    _function("libspandsp.so.2", "g722_encode_free")(encoder)
    _function("libspandsp.so.2", "g722_decode_free")(decoder)
    return heard.ravel()


# Opus: the requests of opus_defines.h.
_VOIP = 2048
_SET_BITRATE, _SET_BANDWIDTH, _SET_INBAND_FEC, _SET_PACKET_LOSS = 4002, 4008, 4012, 4014
_NARROW, _WIDE = 1101, 1103


def _opus(speech: Samples, lost: list[bool], rate: int, bitrate: int, *, fec: bool) -> Samples:
    """Pass through Opus; with forward error correction a packet also brings a coarse copy of the one before it."""
    size = rate // 50
    error = ctypes.c_int(0)
    create = _function("libopus.so.0", "opus_encoder_create", ctypes.c_void_p)
    encoder = ctypes.c_void_p(create(rate, 1, _VOIP, ctypes.byref(error)))
    create = _function("libopus.so.0", "opus_decoder_create", ctypes.c_void_p)
    decoder = ctypes.c_void_p(create(rate, 1, ctypes.byref(error)))
    control = _function("libopus.so.0", "opus_encoder_ctl")
    settings = {_SET_BITRATE: bitrate, _SET_BANDWIDTH: _NARROW if rate == 8000 else _WIDE}
    if fec:
        settings |= {_SET_INBAND_FEC: 1, _SET_PACKET_LOSS: 10}
    for request, value in settings.items():
        control(encoder, request, ctypes.c_int32(value))
    encode = _function("libopus.so.0", "opus_encode")
    decode = _function("libopus.so.0", "opus_decode")
    coded = np.zeros(4000, np.uint8)
    packets = _packets(speech, size)
    heard = np.zeros_like(packets)
    for number, packet in enumerate(packets):
        length = encode(encoder, _pointer(packet), size, _pointer(coded), 4000)
        if lost[number]:
            if not fec or number + 1 == len(lost) or lost[number + 1]:
                decode(decoder, None, 0, _pointer(heard[number]), size, 0)
            continue
        if fec and number and lost[number - 1]:
            decode(decoder, _pointer(coded), length, _pointer(heard[number - 1]), size, 1)
        decode(decoder, _pointer(coded), length, _pointer(heard[number]), size, 0)
    _function("libopus.so.0", "opus_encoder_destroy", None)(encoder)
    _function("libopus.so.0", "opus_decoder_destroy", None)(decoder)
    return heard.ravel()


def opus_narrow(speech: Samples, lost: list[bool], variant: int) -> Samples:  # noqa: ARG001  # one kind only
    """Pass through Opus, narrowband, 12 kbit/s."""
    return _opus(speech, lost, 8000, 12_000, fec=False)


def opus_wide(speech: Samples, lost: list[bool], variant: int) -> Samples:  # noqa: ARG001  # one kind only
    """Pass through Opus, wideband, 24 kbit/s."""
    return _opus(speech, lost, 16000, 24_000, fec=False)


def opus_wide_fec(speech: Samples, lost: list[bool], variant: int) -> Samples:  # noqa: ARG001  # one kind only
    """Pass through Opus, wideband, 24 kbit/s, with in-band forward error correction."""
    return _opus(speech, lost, 16000, 24_000, fec=True)


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec under test.

    Attributes:
        name: its row in the calibrated table.
        rate: sampling rate, Hz; 16000 is judged by P.862.2 and, at half the rate, by P.862.1.
        transmit: (speech, lost, variant) → what is heard.
        planning: the row of the planning table it is held against; None: there is none.
        repaired: the last packet of each run of losses is brought by the next, so that it is not lost to the listener.
        described: how it was run.
    """

    name: str
    rate: int
    transmit: Callable[[Samples, list[bool], int], Samples]
    planning: str
    described: str
    repaired: bool = False


CODECS = (
    Codec("G.711", 8000, g711, "G.711", "µ-law and A-law by turns, spandsp's concealment (of G.711 Appendix I's kind)"),
    Codec("G.711 without PLC", 8000, g711_without_plc, "G.711 without PLC", "the same, silence for lost packets"),
    Codec("G.729", 8000, g729a, "G.729A+VAD", "bcg729, Annex A, no VAD, its own concealment"),
    Codec("Opus NB", 8000, opus_narrow, "Opus NB-CBR 11", "libopus, narrowband, 12 kbit/s"),
    Codec("G.722", 16000, g722, "G.722", "spandsp, 64 kbit/s, lost packets repeated 6 dB softer each time"),
    Codec("Opus", 16000, opus_wide, "Opus WB-CBR 15", "libopus, wideband, 24 kbit/s"),
    Codec("Opus FEC", 16000, opus_wide_fec, "", "libopus, wideband, 24 kbit/s, in-band FEC", repaired=True),
)
