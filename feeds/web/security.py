"""What keeps strangers out of the studio."""

import hashlib


def hashed(token: str) -> str:
    """What we keep of a secret."""
    return hashlib.sha256(token.encode()).hexdigest()
