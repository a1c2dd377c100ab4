"""The simulator's root certificate: fixed, so that policies and tools can name it; its key is public (see `keys`)."""

from base64 import b64decode
from typing import Final

SIMULATOR_ROOT_CA_DER: Final = b64decode(
    "MIIBxDCCAWmgAwIBAgIBATAKBggqhkjOPQQDAjA2MSQwIgYDVQQDDBtwaGFsMiBURUUgc2ltdWxhdG9yIFJvb3QgQ0ExDjAMBgNV"
    "BAoMBXBoYWwyMCAXDTcwMDEwMTAwMDAwMFoYDzIwOTkxMjMxMjM1OTU5WjA2MSQwIgYDVQQDDBtwaGFsMiBURUUgc2ltdWxhdG9y"
    "IFJvb3QgQ0ExDjAMBgNVBAoMBXBoYWwyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuSGQZNejgNLwUrW0w8WVAzQ7Szq3df06"
    "D2TrzqlOIGcLzE1BFgnVV6XPsrPU3lzbXJRF/lX+5Q7429D/h64WwKNmMGQwHQYDVR0OBBYEFNv6099QsJp2kKrX3xUrwJIKjVEb"
    "MB8GA1UdIwQYMBaAFNv6099QsJp2kKrX3xUrwJIKjVEbMA4GA1UdDwEB/wQEAwIBBjASBgNVHRMBAf8ECDAGAQH/AgEBMAoGCCqG"
    "SM49BAMCA0kAMEYCIQDLEDBGoifPVqwBNENhBb68492cCCCigZoBjXYaJjlO2gIhAKsHIQ39X24pAGg760U8o59K7Sf2q5jXWjgW"
    "kEvVQbj9"
)
"""The certificate, DER encoded."""
