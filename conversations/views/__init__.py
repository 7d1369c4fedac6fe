"""Glue between addresses and the rest: fetch, check, call a service, show."""
