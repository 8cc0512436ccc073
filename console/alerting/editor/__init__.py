"""The editor of rules: what a draft would have done, drawn beside the series that it watches."""
