"""What changed: numbers of endpoints, pages, issues and checks that moved from the days before."""
