"""Endpoints: the latency of requests, tasks and screens, and where their time goes."""
