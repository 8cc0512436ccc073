"""Endpoints: the latency of requests, tasks and pages, and where their time goes."""
