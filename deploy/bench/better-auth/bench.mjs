// Better Auth as a Node server, to be asked by `make bench`: node bench.mjs <database URL> <how many people>
// Prints one line of JSON when it answers: {"url", "cookies", "cached_cookies", "keys"}.
// Production settings, with what would only slow it down switched off: limits, telemetry, logs. Passwords are
// not hashed, for none of what is measured hashes one.
import { createServer } from "node:http";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import pg from "pg";

const [connectionString, people] = [process.argv[2], Number(process.argv[3])];
const database = new pg.Pool({ connectionString, max: 10 });
const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;

/** One of its configurations, below a path of its own; all have the same tables. */
const configured = (basePath, session) => betterAuth({
  baseURL: url,
  basePath,
  database,
  secret: "no-secret-but-long-enough-for-one",
  emailAndPassword: {
    enabled: true,
    password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password },
  },
  session,
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [apiKey({ rateLimit: { enabled: false }, enableSessionForAPIKeys: true })],
});

const sites = {
  "/plain": configured("/plain", {}),
  "/cached": configured("/cached", { cookieCache: { enabled: true, maxAge: 3600 } }), // no database while it lasts
  "/updating": configured("/updating", { updateAge: 0 }), // each read of a session renews it: the nearest to a refresh
};
await (await getMigrations(sites["/plain"].options)).runMigrations();

const handlers = Object.entries(sites).map(([path, auth]) => [path, toNodeHandler(auth)]);
server.on("request", (request, reply) => {
  const found = handlers.find(([path]) => request.url.startsWith(path));
  if (found) return found[1](request, reply);
  verify(request, reply);
});

/** The check of a key and nothing else. */
async function verify(request, reply) {
  const { valid } = await sites["/plain"].api.verifyApiKey({ body: { key: request.headers["x-api-key"] } });
  reply.writeHead(valid ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify({ valid }));
}

const cookiesOf = (headers) => headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ");
const told = { url, cookies: [], cached_cookies: [], keys: [] };
for (let number = 0; number < people; number++) {
  const body = { email: `${number}@example.com`, password: "four words that nobody else uses", name: "Ada" };
  const { response, headers } = await sites["/plain"].api.signUpEmail({ body, returnHeaders: true });
  const cached = await sites["/cached"].api.signInEmail({ body, returnHeaders: true });
  const { key } = await sites["/plain"].api.createApiKey({ body: { userId: response.user.id } });
  told.cookies.push(cookiesOf(headers));
  told.cached_cookies.push(cookiesOf(cached.headers));
  told.keys.push(key);
}
console.log(JSON.stringify(told));
process.stdin.resume().on("end", () => process.exit(0)); // it ends with whoever started it
