"""The platforms that a project can be of, by the name that clients give them."""

PLATFORMS = {
    "python": "Python",
    "flask": "Flask",
    "django": "Django",
    "fastapi": "FastAPI",
    "node": "Node.js",
    "browser": "Browser JavaScript",
    "other": "Something else",
}
