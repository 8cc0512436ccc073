"""Dashboards: tiles on a grid, made from templates or by hand, shared by links."""
