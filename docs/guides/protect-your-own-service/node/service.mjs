// A service that takes Plinth's tokens: node service.mjs <Plinth's URL> <port>
import { createServer } from "node:http";
import { Unauthenticated, verifier } from "./plinth-tokens.mjs";

const [issuer, port] = process.argv.slice(2);
const verify = verifier(issuer);

/** Wraps a handler: it is called for those who have `scope` alone, with who they are. */
const requires = (scope, handler) => async (request, reply) => {
  const refuse = (status, challenge) => reply.writeHead(status, challenge && { "WWW-Authenticate": challenge }).end();
  const [, token] = /^Bearer ([\w.-]+)$/i.exec(request.headers.authorization ?? "") ?? [];
  if (!token) return refuse(401, "Bearer");
  try {
    const caller = await verify(token);
    if (!caller.scopes.has(scope)) return refuse(403, `Bearer error="insufficient_scope", scope="${scope}"`);
    return await handler(caller, token, refuse, reply);
  } catch (why) {
    if (why instanceof Unauthenticated) return refuse(401, 'Bearer error="invalid_token"');
    console.error(why);
    return refuse(503);
  }
};

const readReport = requires("orders:read", (caller, _token, _refuse, reply) => {
  const report = { reader: caller.user, of: caller.org, through: caller.actor };
  reply.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(report));
});

// What must not happen once a session is ended asks Plinth: one request more, and it is sure.
const deleteReport = requires("orders:write", async (_caller, token, refuse, reply) => {
  const me = await fetch(new URL("/api/v1/auth/me", issuer), {
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (me.status === 401) return refuse(401, 'Bearer error="invalid_token"');
  if (me.status !== 200) return refuse(503);
  reply.writeHead(204).end();
});

const routes = { "GET /report": readReport, "DELETE /report": deleteReport };
const notFound = (_request, reply) => reply.writeHead(404).end();
createServer((request, reply) => (routes[`${request.method} ${request.url}`] ?? notFound)(request, reply))
  .listen(Number(port), "127.0.0.1");
