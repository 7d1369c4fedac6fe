"""Limits failed sign-ins with django-axes: per user and IP address, and per address alone.

A user is never locked for all addresses, or anyone could lock others out.
"""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

PREFIX = 64  # bits; providers give each customer at least a /64 network of IPv6 addresses


def client_address(request: HttpRequest) -> str | None:
    """The IP address of the client: from X-Forwarded-For, if TRUST_FORWARDED_FOR is set. For IPv6, its network."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_FORWARDED_FOR:
        # Only the last entry is from the proxy; a client can send any others.
        text = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or text
    try:
        address = ip_address(_without_port(text))
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, PREFIX), strict=False).network_address)


def _without_port(text: str) -> str:
    """Some proxies add the port: 192.0.2.1:5678 or [2001:db8::1]:5678."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def described(username: str | None, address: str | None, *_: Any) -> str:
    """User and address for the log."""
    return f"{username!r} from {address or 'an unknown address'}"


class SignInHandler(AxesDatabaseHandler):
    """Counts recent failures. The limit of an address is higher than that of a user at an address."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        # axes compares a single number with a single limit: report that limit if the address reached its own.
        of_user, of_address = map(_failures, self.get_user_attempts(request, credentials))
        is_over = of_address >= settings.SIGN_IN_FAILURES_OF_ADDRESS
        return max(of_user, settings.AXES_FAILURE_LIMIT) if is_over else of_user

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        # Failures of other users at the same address still count.
        of_user, _of_address = self.filter_user_attempts(request, credentials)
        return of_user.delete()[0]


def _failures(attempts: QuerySet[Any]) -> int:
    return attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0


def locked(request: HttpRequest, response: HttpResponse | None, credentials: Any) -> HttpResponse:
    """The page that says how long signing in is locked."""
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    seconds = int(cool_off.total_seconds())
    page = render(request, "registration/locked.html", {"minutes": seconds // 60}, status=429)
    page["Retry-After"] = str(seconds)
    return page
