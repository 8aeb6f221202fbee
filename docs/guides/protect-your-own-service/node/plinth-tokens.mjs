// Verifies access tokens of Plinth, by public keys that are fetched once and kept.
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

/** No token, or one that proves nothing: 401. */
export class Unauthenticated extends Error {}

/** Who calls, as a verified token says. */
export class Caller {
  constructor({ sub, org, scope, act }) {
    this.user = sub; // usr_…
    this.org = org; // org_…: the one organisation that the token acts in
    this.actor = act; // who acts in the user's name, if somebody does
    this.scopes = new Set((scope ?? "").split(" "));
  }
}

/** Makes a function that takes a token and gives its Caller; `issuer` is Plinth's public URL. */
export function verifier(issuer) {
  const published = createRemoteJWKSet(new URL("/.well-known/jwks.json", issuer), {
    cacheMaxAge: 300_000, // a key that was withdrawn is forgotten within five minutes
    cooldownDuration: 10_000, // made-up key ids make one request in ten seconds, not one each
  });
  // Without keys nothing can be said of any token: that is our 503, not the caller's 401.
  const key = (header, token) => published(header, token).catch((why) => {
    throw why instanceof errors.JWKSNoMatchingKey ? why : new Error("no keys", { cause: why });
  });
  const rules = {
    algorithms: ["EdDSA"], // what the token itself says of its algorithm counts for nothing
    typ: "at+jwt", // an access token, and no other JWT of the same key (RFC 9068)
    issuer,
    audience: "plinth", // what clients hold; Plinth's own services have tokens of their own
    requiredClaims: ["exp", "iat", "jti", "sub", "org"],
    clockTolerance: 5, // seconds
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, key, rules).catch((why) => {
      throw why instanceof errors.JOSEError ? new Unauthenticated(why.message) : why;
    });
    if (!payload.sub.startsWith("usr_")) throw new Unauthenticated("it speaks for nobody");
    return new Caller(payload);
  };
}
