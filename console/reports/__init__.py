"""Reports: dashboards by mail, on a schedule, and editions that stay as they were sent."""
