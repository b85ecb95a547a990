// openid-client against the local pool: code with PKCE, user info, refresh, revocation and client_credentials.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'

const { ISSUER, REDIRECT_URI, RESOURCE } = process.env
const plainHttp = { execute: [oidc.allowInsecureRequests] } // the pool is on loopback
const config = await oidc.discovery(new URL(ISSUER), 'local-docs', undefined, oidc.None(), plainHttp)

async function signIn(url) {
  const page = await (await fetch(url)).text()
  const unescape = (text) => text.replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&amp;', '&')
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  const form = new URLSearchParams(fields.map(([, name, value]) => [unescape(name), unescape(value)]))
  form.set('username', 'ada')
  const headers = { origin: new URL(url).origin } // as a browser sends it
  const sent = await fetch(new URL('/login', url), { method: 'POST', body: form, headers, redirect: 'manual' })
  assert.equal(sent.status, 303)
  return new URL(sent.headers.get('location'))
}

const verifier = oidc.randomPKCECodeVerifier()
const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
const url = oidc.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT_URI,
  scope: 'openid orders/read',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  resource: RESOURCE,
  state,
  nonce,
})
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
const tokens = await oidc.authorizationCodeGrant(config, await signIn(url), checks)
assert.equal(tokens.claims().email, 'ada@example.com')
assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).username, 'ada')

const audience = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).aud
const again = await oidc.refreshTokenGrant(config, tokens.refresh_token, { resource: RESOURCE })
assert.deepEqual([audience(tokens.access_token), audience(again.access_token)], [RESOURCE, RESOURCE])
await oidc.tokenRevocation(config, tokens.refresh_token)
await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })

// It encodes id and secret before base64, as RFC 6749 section 2.3.1 says.
for (const [authentication, id, secret] of [
  [oidc.ClientSecretBasic, 'local-machine', 'local-secret'],
  [oidc.ClientSecretPost, 'local-machine', 'local-secret'],
  [oidc.ClientSecretBasic, 'odd-machine', '100% sure+:/'],
]) {
  const machine = await oidc.discovery(new URL(ISSUER), id, undefined, authentication(secret), plainHttp)
  assert.equal((await oidc.clientCredentialsGrant(machine, { scope: 'orders/read' })).token_type, 'bearer')
  const wrong = await oidc.discovery(new URL(ISSUER), id, undefined, authentication('wrong'), plainHttp)
  await assert.rejects(oidc.clientCredentialsGrant(wrong), { error: 'invalid_client' })
}
console.log('discovery, code with PKCE and resource, user info, refresh, revocation, client_credentials')
