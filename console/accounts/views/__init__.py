"""Pages about people, organizations, projects, keys and tokens."""

from console.accounts.views import (
    account,
    entry,
    keys,
    login,
    members,
    organizations,
    passkeys,
    projects,
    resets,
    single_sign_on,
    two_factor,
)
from console.accounts.views.blueprint import bp

__all__ = [
    "account",
    "bp",
    "entry",
    "keys",
    "login",
    "members",
    "organizations",
    "passkeys",
    "projects",
    "resets",
    "single_sign_on",
    "two_factor",
]
