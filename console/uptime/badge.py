"""The badge of a status page: an SVG that stands anywhere, such as in a README."""

from markupsafe import escape

HEIGHT, CHARACTER, PADDING = 20, 6.6, 12
COLOURS = {
    "good": "#1a7f37", "warn": "#9a6700", "bad": "#cf222e", "info": "#0969da", "mute": "#57606a",
}  # fmt: skip
LONGEST = 40


def badge(label: str, value: str, tone: str) -> str:
    """A label and a value beside it, in the colour of its tone."""
    label, value = label[:LONGEST], value[:LONGEST]
    left, right = (round(len(text) * CHARACTER + PADDING) for text in (label, value))
    texts = "".join(
        f'<text x="{x:g}" y="14" fill="#fff">{escape(text)}</text>'
        for x, text in ((left / 2, label), (left + right / 2, value))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}"'
        f' role="img" aria-label="{escape(label)}: {escape(value)}">'
        f'<rect width="{left}" height="{HEIGHT}" fill="#24292f"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{COLOURS[tone]}"/>'
        f'<g text-anchor="middle" font-family="system-ui,sans-serif" font-size="11">{texts}</g>'
        "</svg>"
    )
