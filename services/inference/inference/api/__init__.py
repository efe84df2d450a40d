"""The HTTP interface: requests, answers, errors and access."""
