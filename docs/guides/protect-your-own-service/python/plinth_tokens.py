"""Verifies access tokens of Plinth, by public keys that are fetched once and kept."""

from dataclasses import dataclass, field

import jwt


class Unauthenticated(Exception):
    """No token, or one that proves nothing: 401."""


@dataclass(frozen=True)
class Caller:
    """Who calls, as a verified token says."""

    user: str  # usr_…
    org: str  # org_…: the one organisation that the token acts in
    scopes: frozenset = field(default_factory=frozenset)
    actor: dict | None = None  # who acts in the user's name, if somebody does


class Verifier:
    """Takes tokens of one Plinth; `issuer` is its public URL."""

    def __init__(self, issuer: str):
        self.issuer = issuer
        self.keys = jwt.PyJWKClient(
            f"{issuer}/.well-known/jwks.json",
            lifespan=300,  # a key that was withdrawn is forgotten within five minutes
            cooldown_duration=10,  # made-up key ids make one request in ten seconds, not one each
            timeout=5,
        )

    def verify(self, token: str) -> Caller:
        """Raises Unauthenticated; PyJWKClientConnectionError when there are no keys: our 503."""
        try:
            header = jwt.get_unverified_header(token)
            # An access token, and no other JWT of the same key (RFC 9068).
            if header.get("typ") != "at+jwt" or "crit" in header:
                raise Unauthenticated("not an access token")
            claims = jwt.decode(
                token,
                self.keys.get_signing_key(header.get("kid")).key,
                algorithms=["EdDSA"],  # what the token itself says of its algorithm counts for nothing
                issuer=self.issuer,
                audience="plinth",  # what clients hold; Plinth's own services have tokens of their own
                options={"require": ["exp", "iat", "jti", "sub", "org"]},
                leeway=5,
            )
        except jwt.PyJWKClientConnectionError:
            raise
        except jwt.PyJWTError as why:
            raise Unauthenticated(str(why)) from why
        if not claims["sub"].startswith("usr_"):
            raise Unauthenticated("it speaks for nobody")
        scopes = frozenset(claims.get("scope", "").split())
        return Caller(claims["sub"], claims["org"], scopes, claims.get("act"))
