"""Pictures of dashboards and reports as strangers, walls and mail programs show them."""

from pathlib import Path

from playwright.sync_api import Browser, Page

from tools.states import unroll

WAIT = 1_500  # milliseconds for what loads itself
WORDS = "four words nobody guesses"


def photograph_shared(
    browser: Browser, page: Page, dashboard: str, folder: Path, theme: str
) -> int:
    """A link to a dashboard as a stranger opens it, in a frame, with a password, and a wrong one.

    `page` is somebody's who is signed in; its links are made by the form, and stay. Returns how
    many pictures were taken.
    """
    outside = _made(page, dashboard, f"Outside, {theme}")
    secret = _made(page, dashboard, f"Secret, {theme}", WORDS)
    shots = {
        "shared": outside,
        "shared-in-frame": f"{outside}?chrome=none",
        "shared-password": secret,
        "shared-gone": f"{outside[:-4]}xxxx",
    }
    for name, address in shots.items():
        context = browser.new_context(
            viewport=page.viewport_size, color_scheme="dark" if theme == "dark" else "light"
        )
        stranger = context.new_page()
        stranger.goto(address, timeout=120_000)
        stranger.wait_for_timeout(WAIT)
        stranger.screenshot(path=folder / f"{name}.png", full_page=True)
        context.close()
    return len(shots)


def photograph_wall(page: Page, dashboard: str, folder: Path) -> int:
    """A dashboard on the wall, and while it is edited."""
    base = _base(dashboard)
    for name in ("wall", "edit"):
        page.goto(f"{base}/{name}")
        page.wait_for_timeout(4 * WAIT)
        if name == "edit":
            unroll(page)
        page.screenshot(path=folder / f"dashboard-on-{name}.png", full_page=name == "edit")
    return 2


def photograph_mail(page: Page, reports: str, folder: Path) -> int:
    """A report's mail as it would be now: with its pictures, and as a reader shows it without.

    `reports` is the address of their list, of which the executive one is taken.
    """
    page.goto(reports)
    page.click("#reports a:has-text('xecutive') >> nth=0")
    page.wait_for_load_state()
    page.goto(f"{_base(page.url)}/preview")
    page.wait_for_timeout(WAIT)
    page.screenshot(path=folder / "report-mail.png", full_page=True)
    hide = "images => images.forEach(image => { image.src = 'about:blank'; })"
    page.eval_on_selector_all("img", hide)
    page.screenshot(path=folder / "report-mail-without-pictures.png", full_page=True)
    return 2


def _made(page: Page, dashboard: str, name: str, password: str = "") -> str:
    """The address of a new link, which the page shows once."""
    page.goto(f"{_base(dashboard)}/links")
    page.fill("#links [name=name]", name)
    if password:
        page.fill("#links [name=password]", password)
    page.click("#links button:has-text('Make the link')")
    code = page.wait_for_selector("#links .note-good code")
    assert code is not None
    return code.inner_text().strip()


def _base(address: str) -> str:
    return address.partition("?")[0].rstrip("/")
