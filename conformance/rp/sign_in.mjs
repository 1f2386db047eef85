// An independent relying party signs in to the demo: openid-client, which knows nothing of Castellan.
//   node sign_in.mjs DESCRIBE.json
import { readFileSync } from 'node:fs'
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { Browser, totp } from './browser.mjs'

const world = JSON.parse(readFileSync(process.argv[2]))
const checks = { passed: 0, failed: 0 }

async function check(sentence, run) {
  try {
    const result = await run()
    checks.passed++
    console.log(`ok      ${sentence}`)
    return result
  } catch (error) {
    checks.failed++
    console.log(`FAILED  ${sentence}: ${error.message} ${error.error ?? ''} ${error.error_description ?? ''}`)
  }
}

const client = world.clients.find((client) => world.products.some((product) => product.slug === client.product && product.app))
const product = world.products.find((product) => product.slug === client.product)
const person = world.users.find((user) => user.totp_secret && user.realm === 'portal' && user.products[product.slug])
const redirectUri = client.redirect_uris[0]

const config = await check('discovers the provider', async () => {
  const found = await oidc.discovery(
    new URL(world.issuer),
    client.client_id,
    { client_secret: client.client_secret, id_token_signed_response_alg: 'ES256' },
    oidc.ClientSecretBasic(client.client_secret),
    { execute: [oidc.allowInsecureRequests] },
  )
  assert.equal(found.serverMetadata().issuer, world.issuer)
  assert.ok(found.serverMetadata().supportsPKCE())
  return found
})
if (!config) process.exit(1)

const browser = new Browser(new URL(world.issuer).origin)
const verifier = oidc.randomPKCECodeVerifier()
const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
const parameters = {
  redirect_uri: redirectUri,
  scope: 'openid profile email product offline_access',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
}

const callback = await check('a person signs in with password and TOTP', async () => {
  let page = await browser.get(oidc.buildAuthorizationUrl(config, parameters))
  page = await browser.press(page, 'login-submit', { username: person.login })
  page = await browser.press(page, 'login-submit', { password: person.password })
  assert.ok(page.html, 'a password alone gives no code')
  if (!page.html.getElementById('code-submit')) page = await browser.press(page, 'method-totp')
  page = await browser.press(page, 'code-submit', { code: totp(person.totp_secret) })
  assert.equal(`${page.url.origin}${page.url.pathname}`, redirectUri)
  return page.url
})
if (!callback) process.exit(1)

const tokens = await check('redeems the code for tokens that it verifies', () =>
  oidc.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  }))
if (!tokens) process.exit(1)
const claims = tokens.claims()

await check('the ID token says who, and how they proved it', () => {
  assert.equal(claims.iss, world.issuer)
  assert.equal(claims.aud, client.client_id)
  assert.ok(claims.amr.includes('pwd') && claims.amr.includes('otp') && claims.amr.includes('mfa'), claims.amr)
})

await check('the access token is for this product alone', () => {
  const access = JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url'))
  assert.deepEqual([access.aud].flat(), [product.audience])
  assert.equal(access.product, product.slug)
  assert.deepEqual([...access.roles].sort(), [...person.products[product.slug]].sort())
  for (const other of world.products) {
    if (other.slug !== product.slug) assert.ok(!JSON.stringify(access).includes(other.slug), other.slug)
  }
})

await check('UserInfo speaks of the same person', async () => {
  const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.equal(info.preferred_username, person.login)
})

await check('introspection and refresh work, and a rotated token kills its family', async () => {
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true)
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(fresh.refresh_token, tokens.refresh_token)
  for (const dead of [tokens.refresh_token, fresh.refresh_token]) {
    await assert.rejects(oidc.refreshTokenGrant(config, dead), { error: 'invalid_grant' })
  }
  assert.equal((await oidc.tokenIntrospection(config, fresh.access_token)).active, false)
})

await check('single sign-on asks nothing, and after logout everything', async () => {
  const silent = oidc.buildAuthorizationUrl(config, { ...parameters, prompt: 'none' })
  let page = await browser.get(silent)
  assert.ok(page.url.searchParams.get('code'), page.url.search)
  page = await browser.get(oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token }))
  if (page.html?.getElementById('logout-confirm')) page = await browser.press(page, 'logout-confirm')
  page = await browser.get(silent)
  assert.equal(page.url.searchParams.get('error'), 'login_required')
  assert.equal(page.url.searchParams.get('iss'), world.issuer)
})

console.log(`\n${checks.passed} passed, ${checks.failed} failed`)
process.exit(checks.failed ? 1 : 0)
