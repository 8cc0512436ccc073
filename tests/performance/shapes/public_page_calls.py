"""Calls of pages that are rightly repeated, as public descriptions show them."""

from tests.performance.shapes.clients import (
    fetch,
    wrong,
    xhr,
)
from tests.performance.shapes.shape import Sent, Shape, run

PUBLIC_PAGE_CALLS: list[Shape] = [
    wrong(
        "a feed that goes on as one scrolls",
        run(8, fetch("GET", "/api/feed?cursor={hex}&limit=20", 180), way="polling"),
        platform="javascript",
        op="ui.action.scroll",
    ),
    wrong(
        "pictures of a gallery",
        run(20, fetch("GET", "https://cdn.acme.io/media/{hex}.jpg?w=320", 110), way="at once"),
        platform="javascript",
        op="pageload",
    ),
    wrong(
        "all that belongs to one user",
        run(
            1,
            xhr("GET", "/api/users/4711", 70),
            xhr("GET", "/api/users/4711/roles", 65),
            xhr("GET", "/api/users/4711/teams", 80),
            xhr("GET", "/api/users/4711/sessions", 90),
            xhr("GET", "/api/users/4711/tokens", 60),
            xhr("GET", "/api/users/4711/audit", 140),
            xhr("GET", "/api/users/4711/preferences", 55),
        ),
        platform="javascript",
        op="navigation",
    ),
    wrong(
        "data of linked pages fetched ahead",
        run(11, fetch("GET", "/page-data/blog/{word}/page-data.json", 50), way="pool"),
        platform="javascript",
        op="pageload",
    ),
    wrong(
        "three tiles and a few more questions",
        run(1, fetch("GET", "/api/me", 80), fetch("GET", "/api/dashboards/main", 150)),
        run(3, fetch("GET", "/api/widgets/{i}/data", 260), way="at once"),
        run(2, fetch("GET", "/api/notifications", 70)),
        platform="javascript",
        op="pageload",
    ),
    wrong(
        "scripts of a page",
        run(
            15,
            Sent(
                "resource.script",
                "https://app.acme.io/_next/static/chunks/{hex}.js",
                {"http.response_transfer_size": 18211, "server.address": "app.acme.io"},
                70,
            ),
            way="at once",
        ),
        run(1, fetch("GET", "/api/me", 90)),
        platform="javascript",
        op="pageload",
    ),
    wrong(
        "pages fetched before they are asked for",
        run(
            10,
            fetch(
                "GET",
                "/_next/data/kd83Jx2/products/{word}.json",
                70,
                more={"http.request.prefetch": True},
            ),
            way="at once",
        ),
        platform="javascript",
        op="pageload",
    ),
    wrong(
        "a page that asks ten different things",
        run(
            1,
            fetch("GET", "/api/me", 80),
            fetch("GET", "/api/teams", 95),
            fetch("GET", "/api/notifications/unread", 70),
            fetch("GET", "/api/books?sort=new", 240),
            fetch("GET", "/api/flags", 60),
            fetch("GET", "/api/announcements", 85),
            fetch("GET", "/api/billing/plan", 130),
            fetch("GET", "/api/shelves", 110),
            fetch("GET", "/api/stats/today", 190),
            fetch("GET", "/api/tags", 75),
        ),
        platform="javascript",
        op="pageload",
    ),
    wrong(
        "icons fetched by name",
        run(12, fetch("GET", "/assets/icons/{word}.svg", 60), way="at once"),
        platform="javascript",
        op="pageload",
    ),
    wrong(
        "answers from the browser's own store",
        run(9, fetch("GET", "/api/labels/{i}", 0.3, more={"http.response_transfer_size": 0})),
        platform="javascript",
        op="navigation",
    ),
    wrong(
        "beacons of a counter of visits",
        run(
            9,
            fetch(
                "POST", "https://www.google-analytics.com/g/collect?v=2&tid=G-1&en={word}", 60, 204
            ),
        ),
        platform="javascript",
        op="navigation",
    ),
    wrong(
        "tiles of a street map",
        run(
            24,
            fetch("GET", "https://tile.openstreetmap.org/14/{i}/53{n}.png", 90),
            way="at once",
        ),
        platform="javascript",
        op="navigation",
    ),
]
