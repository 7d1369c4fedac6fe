"""How often one may fail to sign in, counted by django-axes: by account and address, and by address alone.

An account is never locked for every address, or anyone could lock others out of it.
"""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

PREFIX = 64  # bits of an IPv6 address that one customer has to themselves


def client_address(request: HttpRequest) -> str | None:
    """Where the request comes from: the last hop of X-Forwarded-For, where a setting says that a proxy writes it.

    Of an IPv6 address only the network is told.
    """
    told = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_FORWARDED_FOR:
        told = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or told
    try:
        address = ip_address(_without_port(told))
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, PREFIX), strict=False).network_address)


def _without_port(told: str) -> str:
    """An address as some proxies write it, with a port: 192.0.2.1:5678 or [2001:db8::1]:5678."""
    if told.startswith("["):
        return told[1:].partition("]")[0]
    return told.partition(":")[0] if told.count(":") == 1 else told


def described(username: str | None, address: str | None, *_: Any) -> str:
    """Who tried, in a line of the log."""
    return f"{username!r} from {address or 'an unknown address'}"


class SignInHandler(AxesDatabaseHandler):
    """Counts the failures of the last minutes; an address alone may fail more often than with one account."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """The failures of account and address; the limit, where the address alone reached its own."""
        of_account, of_address = map(_failures, self.get_user_attempts(request, credentials))
        is_over = of_address >= settings.SIGN_IN_FAILURES_OF_ADDRESS
        return max(of_account, settings.AXES_FAILURE_LIMIT) if is_over else of_account

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Forget the failures of account and address, not those with other accounts."""
        of_account, _of_address = self.filter_user_attempts(request, credentials)
        return of_account.delete()[0]


def _failures(attempts: QuerySet[Any]) -> int:
    return attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0


def locked(request: HttpRequest, response: HttpResponse | None, credentials: Any) -> HttpResponse:
    """The page that says how long nobody may sign in so."""
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    seconds = int(cool_off.total_seconds())
    page = render(request, "registration/locked.html", {"minutes": seconds // 60}, status=429)
    page["Retry-After"] = str(seconds)
    return page
