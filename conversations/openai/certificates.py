"""Checks PEM certificates of private authorities, such as a company's own. Pure."""

from cryptography import x509

MAX_LENGTH = 256 * 1024  # characters


def problem_with(pem: str) -> str | None:
    """Why `pem` can't be used as a list of certificates, and what to do; None if it can."""
    if len(pem) > MAX_LENGTH:
        return "This is too long. Enter only the certificates of your own authorities."
    if "PRIVATE KEY-----" in pem:
        return "This contains a private key, which nobody but its owner should have. Enter only the certificates."
    try:
        x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return "This isn’t a certificate in PEM format. One begins with -----BEGIN CERTIFICATE-----."
    return None
