"""A voice message as samples, and as a file that every browser plays.

A file from outside is read by the decoder of the kind that it was found to be, and by no other:
some of what FFmpeg can open fetches other files. What comes out is made anew from the samples, so
nothing of the old file stays.
"""

import io
import time
import wave
from collections.abc import Iterator
from itertools import chain

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

RATE = 16_000  # Hz: what speech recognition is trained on; telephones carry half of it
MAX_S = 120  # of one voice message; WeChat ends them at 60
MAX_DECODING_S = 20.0  # of our time; two minutes of AMR need less than one
MAX_BROKEN = 0.1  # 0 to 1, of its packets; often the last one was cut on its way
RATES = range(4_000, 192_001)  # Hz; outside of it a small file becomes a huge one
TYPE = "audio/wav"

# As sniffed (`adapters.sniffing`) → FFmpeg's name of the file format.
FORMATS = {
    "audio/amr": "amr",
    "audio/amr-wb": "amr",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
}
# What voice messages are made of; FFmpeg knows some hundreds more, and their faults.
CODECS = frozenset(
    {"amrnb", "amrwb", "amr_nb", "amr_wb", "libopencore_amrnb", "libopencore_amrwb"}
    | {"mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis", "flac", "speex", "libspeex"}
    | {"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_f32le", "pcm_alaw", "pcm_mulaw"}
    | {"adpcm_ms", "adpcm_ima_wav"}
)

Samples = npt.NDArray[np.float32]  # -1 to 1, at RATE, one channel


class NotSound(Exception):
    """Nothing that we can play: broken, of another kind (SILK), without a sound, or too long."""


def decode(content: bytes, content_type: str) -> Samples:
    """The samples of a voice message, whole or not at all. Raises NotSound."""
    if content_type not in FORMATS:
        raise NotSound
    try:
        pieces = list(_pieces(content, FORMATS[content_type]))
    # Its reason could quote the file; and PyAV raises whatever Python error fits FFmpeg's.
    except (av.FFmpegError, ValueError, LookupError, OSError, EOFError, MemoryError):
        raise NotSound from None
    if not pieces:
        raise NotSound
    return np.concatenate(pieces).astype(np.float32) * np.float32(1 / 32_768)


def as_wav(samples: Samples) -> bytes:
    """A file of 32 kB a second, which every browser plays and can wind."""
    whole = np.clip(samples * 32_768, -32_768, 32_767).astype("<i2")
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(whole.tobytes())
    return made.getvalue()


def playable(content: bytes, content_type: str) -> tuple[bytes, str]:
    """The same voice as every browser plays it, and its type. Raises NotSound."""
    return as_wav(decode(content, content_type)), TYPE


def _pieces(content: bytes, file_format: str) -> Iterator[npt.NDArray[np.int16]]:
    late, count = time.monotonic() + MAX_DECODING_S, 0
    with av.open(io.BytesIO(content), "r", file_format, metadata_errors="ignore") as file:
        stream = file.streams.audio[0]
        codec = stream.codec_context
        # Of a codec that FFmpeg does not know there is no context, whatever PyAV's types say.
        if getattr(codec, "name", "") not in CODECS or codec.sample_rate not in RATES:
            raise NotSound
        resampler = av.AudioResampler("s16", "mono", RATE)
        for frame in chain(_frames(file, stream), [None]):  # None: what the resampler still holds
            for piece in resampler.resample(frame):
                count += piece.samples
                if count > MAX_S * RATE or time.monotonic() > late:
                    raise NotSound
                yield piece.to_ndarray()[0]


def _frames(file: InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """What decodes. A packet that does not is left out, as any player would."""
    packets = broken = 0
    for packet in file.demux(stream):
        packets += 1
        try:
            frames = packet.decode()
        except av.FFmpegError:
            broken += 1
            continue
        yield from frames
    if broken > packets * MAX_BROKEN:
        raise NotSound
