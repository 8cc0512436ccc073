"""Errors: how events become issues, and the pages on which issues are worked off."""
