"""What a file really is, whatever it says of itself; and what of it we keep.

A picture is drawn anew: where it was taken, by which phone, and whatever hides behind the last
pixel is gone. What is none of the kinds below is not taken.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 40_000_000  # a good phone's picture; more is an attack on whoever opens it
MAX_SIDE = 4_096  # pixels of what is kept
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")

# The first bytes of each, at their offset. Source: the formats' own specifications (RFC 4867 for
# AMR, ISO/IEC 14496-12 for MP4, ISO 32000 for PDF).
SIGNS: dict[str, tuple[tuple[int, bytes, str], ...]] = {
    "voice": (
        (0, b"#!AMR\n", "audio/amr"),
        (0, b"#!AMR-WB\n", "audio/amr-wb"),
        (0, b"#!SILK", "audio/silk"),
        (1, b"#!SILK", "audio/silk"),
        (0, b"ID3", "audio/mpeg"),
        (0, b"\xff\xfb", "audio/mpeg"),
        (0, b"\xff\xf3", "audio/mpeg"),
        (0, b"OggS", "audio/ogg"),
        (8, b"WAVE", "audio/wav"),
    ),
    "video": ((4, b"ftyp", "video/mp4"),),
    "file": ((0, b"%PDF-", "application/pdf"),),
}


class NotTaken(Exception):
    """No kind that we keep, or too many pixels."""


@dataclass(frozen=True)
class Clean:
    content: bytes
    content_type: str


def clean(content: bytes, *, kind: str) -> Clean:
    """What we keep of a file that came as this kind. Raises NotTaken."""
    if kind == "image":
        return _picture(content)
    for offset, sign, content_type in SIGNS.get(kind, ()):
        if content[offset : offset + len(sign)] == sign:
            return Clean(content, content_type)
    if kind == "file":
        return _picture(content)  # somebody sent a picture as a file
    raise NotTaken


def _picture(content: bytes) -> Clean:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise NotTaken
                picture.seek(0)  # of a moving one the first frame
                upright = ImageOps.exif_transpose(picture)
                has_alpha = upright.mode in ("RGBA", "LA", "P")
                drawn = upright.convert("RGBA" if has_alpha else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Warning):
        raise NotTaken from None
    drawn.thumbnail((MAX_SIDE, MAX_SIDE))
    drawn.info = {}
    kept = io.BytesIO()
    drawn.save(kept, "PNG" if has_alpha else "JPEG", quality=90)
    return Clean(kept.getvalue(), "image/png" if has_alpha else "image/jpeg")
