"""The beacon, at an address that pages of any site can load it from."""

from flask import Blueprint, Response, request

from console.accounts.access import public_view
from console.web.beacon_script import beacon_script

bp = Blueprint("beacon", __name__)
KEPT = 3600  # seconds; the address stays the same when the script changes


@bp.get("/beacon.js")
@public_view
def beacon() -> Response:
    """The same for everybody: the page's own script element says which project it is."""
    body, hash_ = beacon_script()
    response = Response(body, mimetype="text/javascript")
    response.set_etag(hash_, weak=True)  # the same whatever the encoding
    response.cache_control.public = True
    response.cache_control.max_age = KEPT
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.make_conditional(request)
    return response
