"""Who asks: owner, viewer, nobody, and a script; what they own is made anew when it is gone."""

import re
from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import Rule

from console.accounts.models import Role
from tests.support import factories, tenants
from tests.support.tenants import Tenant

CALLERS = ("owner", "viewer", "nobody", "script")
TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
ROWS = {
    "issue_id": "issue",
    "key_id": "key",
    "token_id": "api_token",
    "membership_id": "membership",
    "invitation_id": "invitation",
    "session_id": "login_session",
}


@dataclass
class Person:
    """A signed-in browser: its cookies and the token of its pages."""

    email: str
    cookies: str = ""
    csrf: str = ""


@dataclass
class World:
    """An organization with something in every table, and those who ask about it."""

    app: Flask
    renewed: int = 0

    def __post_init__(self) -> None:
        """Make it."""
        self.renew()

    def renew(self) -> None:
        """Put a new organization in the place of one that was deleted, or that nobody may enter."""
        self.renewed += 1
        slug = f"acme{self.renewed}"
        self.tenant: Tenant = tenants.make(self.app, slug)
        viewer = f"viewer@{slug}.test"
        factories.make_member(self.app, self.tenant.organization, viewer, Role.VIEWER)
        self.key = factories.public_key(self.app, self.tenant.project)
        self.people = {"owner": Person(self.tenant.email), "viewer": Person(viewer)}
        for person in self.people.values():
            self.sign_in(person)

    @property
    def home(self) -> str:
        return f"/{self.tenant.organization.slug}/{self.tenant.project.slug}/settings/"

    def sign_in(self, person: Person) -> None:
        """Give the person a new session, as their browser would get one."""
        self.app.config["WTF_CSRF_ENABLED"] = False
        try:
            browser = factories.signed_in(self.app, person.email)
        finally:
            self.app.config["WTF_CSRF_ENABLED"] = True
        name = self.app.config["SESSION_COOKIE_NAME"]
        found = TOKEN.search(browser.get("/account").text)
        cookie = browser.get_cookie(name)
        person.csrf = found[1] if found else ""
        person.cookies = f"{name}={cookie.value}" if cookie else ""

    def look_after(self, caller: str) -> None:
        """Sign somebody in again who no longer is, or begin anew where that does not help."""
        if self._is_at_home(caller):
            return
        try:
            self.sign_in(self.people[caller])
            well = self._is_at_home(caller)
        except AssertionError:  # another password, or two-factor sign-in
            well = False
        if not well:
            self.renew()

    def _is_at_home(self, caller: str) -> bool:
        head = {"HTTP_COOKIE": self.people[caller].cookies}
        browser = self.app.test_client(use_cookies=False)
        return browser.get(self.home, environ_overrides=head).status_code == 200

    def values(self, rule: Rule) -> dict[str, str]:
        """What stands in an address of this rule, by the names of its parts."""
        at = self.tenant
        known = {"organization": at.organization.slug, "project": at.project.slug}
        for name in rule.arguments - set(known):
            if name in ROWS:
                known[name] = str(at.ids.get(ROWS[name], 1))
            else:
                known[name] = str(getattr(at, name, "x"))
        return known
