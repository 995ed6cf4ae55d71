// A real OpenID provider for the tests: `node provider.mjs PORT REDIRECT_URI POST_LOGOUT_URI`. Its keys are new at every
// start, so that a restart on the same port is a rotation. Whoever signs in as NAME is NAME@example.it; the names in
// UNVERIFIED have an address that nobody has verified. With EXPIRED=1 its ID tokens ended two hours before they were issued.
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const [port, redirectUri, postLogoutUri] = process.argv.slice(2);
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), use: "sig", alg: "RS256", kid: `key-${Date.now()}` };
const unverified = (process.env.UNVERIFIED ?? "").split(",");

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  clients: [
    {
      client_id: "filodiretto",
      client_secret: "segreto: con / e +",
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [postLogoutUri],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for tests"] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: `Nome ${id}`,
      email: `${id}@example.it`,
      email_verified: !unverified.includes(id),
    }),
  }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
if (process.env.EXPIRED) {
  // There is no setting for a token that ended before it was issued: the clock is set back while one is signed.
  const { IdToken } = provider;
  const { issue } = IdToken.prototype;
  IdToken.prototype.issue = async function issueLate(...args) {
    const now = Date.now;
    Date.now = () => now() - 2 * 3600 * 1000;
    try {
      return await issue.apply(this, args);
    } finally {
      Date.now = now;
    }
  };
}
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
