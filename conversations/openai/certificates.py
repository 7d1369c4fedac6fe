"""Certificates of private authorities in PEM, such as one that signs for a company's gateway. Pure."""

from cryptography import x509

LONGEST = 256 * 1024  # characters


def problem_with(pem: str) -> str | None:
    """Why `pem` cannot be used as a list of certificates, and what to do; None if it can."""
    if len(pem) > LONGEST:
        return "This is too long. Give the certificates of your own authorities only."
    if "PRIVATE KEY-----" in pem:
        return "This holds a private key, which belongs to nobody but its owner. Give the certificates alone."
    try:
        x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return "This is no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----."
    return None
