"""Pictures of pages in few bytes: a PNG as Chromium writes it, with at most 256 colours."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST = 256
_CHANNELS = {2: 3, 6: 4}  # PNG's colour types: RGB, and RGB with opacity, which pages have not

Colour = tuple[int, int, int]


def with_palette(png: bytes) -> bytes:
    """The picture with its most frequent colours; each other one becomes the nearest of these.

    Half of the places are for colours unlike the others, however rare they are.
    """
    header, rows = _read(png)
    width, height = struct.unpack(">II", header[:8])
    counts = Counter(colour for row in rows for colour in row)
    alike: dict[Colour, Counter[Colour]] = {}
    for colour, count in counts.items():
        alike.setdefault(_coarse(colour), Counter())[colour] = count
    groups = sorted(alike.values(), key=lambda group: group.total(), reverse=True)
    common = [colour for colour, _ in counts.most_common(MOST // 2)]
    rare = (group.most_common(1)[0][0] for group in groups)
    palette = list(dict.fromkeys([*common, *rare]))[:MOST]
    place = {colour: number for number, colour in enumerate(palette)}
    for colour in counts.keys() - place.keys():
        place[colour] = min(range(len(palette)), key=lambda n: _distance(palette[n], colour))
    lines = b"".join(b"\0" + bytes(place[colour] for colour in row) for row in rows)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(channel for colour in palette for channel in colour)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in parts)


def _coarse(colour: Colour) -> Colour:
    red, green, blue = colour
    return red >> 4, green >> 4, blue >> 4


def _distance(colour: Colour, entry: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(colour, entry, strict=True))


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def _read(png: bytes) -> tuple[bytes, list[list[Colour]]]:
    """The header of a picture, and its colours row by row."""
    chunks: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        chunks[name] = chunks.get(name, b"") + content
        at += length + 12
    header = chunks[b"IHDR"]
    width, size = struct.unpack(">I", header[:4])[0], _CHANNELS[header[9]]
    lines = _unfiltered(zlib.decompress(chunks[b"IDAT"]), width * size, size)
    return header, [
        [(line[i], line[i + 1], line[i + 2]) for i in range(0, len(line), size)] for line in lines
    ]


def _unfiltered(packed: bytes, length: int, size: int) -> Iterator[bytearray]:
    """Each line's bytes, which PNG stores as differences to neighbours."""
    above = bytearray(length)
    for at in range(0, len(packed), length + 1):
        kind, line = packed[at], bytearray(packed[at + 1 : at + 1 + length])
        for i in range(length):
            left = line[i - size] if i >= size else 0
            corner = above[i - size] if i >= size else 0
            line[i] = (line[i] + _guess(kind, left, above[i], corner)) & 255
        yield line
        above = line


def _guess(kind: int, left: int, up: int, corner: int) -> int:
    """What PNG's filter of this kind expects of a byte."""
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda near: abs(guess - near))
    return (0, left, up, (left + up) // 2)[kind]
