"""Glue between URLs and the rest: fetch, check, call a service, show."""
