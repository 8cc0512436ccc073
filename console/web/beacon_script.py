"""The script that sends a page's web vitals: bundled by npm, or one that fetches its library."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from console.web.assets import STATIC, Package, is_local

LIBRARY = Package(
    "web-vitals/dist/web-vitals.attribution.iife.js",
    "6.2.3",
    "sha384-bSPMhMuPB18LwEGFcpZicU+jejYEBF6gjTLbhZmvGPEuRRGFe0brplHVsLCDoCP/",
)
SOURCE = STATIC / "beacon" / "beacon.js"
# What `npm run build` makes of the source and the library; no CDN has it.
BUNDLE = Package(".pharos/beacon.js", "", "")
IMPORT = re.compile(r'^import (\{.*\}) from "web-vitals/attribution";$', re.MULTILINE)
LOADER = """\
(() => {
const library = document.createElement("script");
library.src = "URL";
library.integrity = "INTEGRITY";
library.crossOrigin = "anonymous";
library.onload = () => {
BEACON
};
document.head.append(library);
})();
"""


def beacon_script() -> tuple[bytes, str]:
    """What pages load, and a hash of it: the bundle, or where there is none the source.

    The source comes behind a loader that takes the library from the CDN, held to its hash.
    """
    bundled = is_local(BUNDLE)
    path = STATIC / "node_modules" / BUNDLE.path if bundled else SOURCE
    return _script(path, path.stat().st_mtime_ns, bundled)


@lru_cache(maxsize=4)
def _script(path: Path, stamp: int, bundled: bool) -> tuple[bytes, str]:  # noqa: FBT001 - a key
    """The content; `stamp` makes an edited file a new entry."""
    del stamp
    text = path.read_text()
    body = (text if bundled else _loading(text)).encode()
    return body, hashlib.sha256(body).hexdigest()[:12]


def _loading(source: str) -> str:
    beacon = IMPORT.sub(r"const \1 = webVitals;", source)
    loader = LOADER.replace("URL", LIBRARY.cdn_url).replace("INTEGRITY", LIBRARY.integrity)
    return loader.replace("BEACON", beacon)
