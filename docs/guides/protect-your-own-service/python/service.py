"""A service that takes Plinth's tokens: python service.py <Plinth's URL> <port>"""

import functools
import json
import sys
import urllib.error
import urllib.request
from wsgiref.simple_server import make_server

import jwt

from plinth_tokens import Unauthenticated, Verifier

issuer, port = sys.argv[1], int(sys.argv[2])
verifier = Verifier(issuer)
INVALID = 'Bearer error="invalid_token"'


def requires(scope):
    """Wraps a handler: it is called for those who have `scope` alone, with who they are."""

    def wrap(handler):
        @functools.wraps(handler)
        def guarded(environ):
            kind, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
            if kind.lower() != "bearer" or not token:
                return refuse("401 Unauthorized", "Bearer")
            try:
                caller = verifier.verify(token)
            except Unauthenticated:
                return refuse("401 Unauthorized", INVALID)
            except jwt.PyJWKClientConnectionError:
                return refuse("503 Service Unavailable")
            if scope not in caller.scopes:
                return refuse("403 Forbidden", f'Bearer error="insufficient_scope", scope="{scope}"')
            return handler(caller, token)

        return guarded

    return wrap


def refuse(status, challenge=None):
    return status, [("WWW-Authenticate", challenge)] if challenge else [], b""


@requires("orders:read")
def read_report(caller, _token):
    report = {"reader": caller.user, "of": caller.org, "through": caller.actor}
    return "200 OK", [("Content-Type", "application/json")], json.dumps(report).encode()


@requires("orders:write")
def delete_report(_caller, token):
    """What must not happen once a session is ended asks Plinth: one request more, and it is sure."""
    me = urllib.request.Request(f"{issuer}/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    try:
        urllib.request.urlopen(me, timeout=5).close()
    except urllib.error.HTTPError as why:
        return refuse("401 Unauthorized", INVALID) if why.code == 401 else refuse("503 Service Unavailable")
    except OSError:
        return refuse("503 Service Unavailable")
    return "204 No Content", [], b""


ROUTES = {"GET /report": read_report, "DELETE /report": delete_report}


def application(environ, start_response):
    handler = ROUTES.get(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
    status, headers, body = handler(environ) if handler else ("404 Not Found", [], b"")
    start_response(status, headers)
    return [body]


if __name__ == "__main__":
    make_server("127.0.0.1", port, application).serve_forever()
