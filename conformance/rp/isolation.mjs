// Every person and every client of the demo: a token for one product holds nothing of another.
//   node isolation.mjs DESCRIBE.json
import { readFileSync } from 'node:fs'
import { createHash, randomBytes } from 'node:crypto'
import assert from 'node:assert/strict'
import { Browser, totp } from './browser.mjs'

const world = JSON.parse(readFileSync(process.argv[2]))
const checks = { passed: 0, failed: 0 }
const webClients = world.clients.filter((client) => client.grant_types.includes('authorization_code'))
const product = (slug) => world.products.find((product) => product.slug === slug)
const payload = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

async function check(sentence, run) {
  try {
    await run()
    checks.passed++
  } catch (error) {
    checks.failed++
    console.log(`FAILED  ${sentence}: ${error.message}`)
  }
}

function authorization(client, verifier, more = {}) {
  return `${world.issuer}/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: client.redirect_uris[0],
    scope: 'openid profile email product',
    state: 's',
    nonce: 'n',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  })}`
}

async function token(client, fields) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  if (client.auth_method === 'client_secret_basic') {
    headers.authorization = `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}`
  } else {
    fields = { ...fields, client_id: client.client_id }
    if (client.client_secret) fields.client_secret = client.client_secret
  }
  const response = await fetch(`${world.issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(fields) })
  return [response.status, await response.json()]
}

// Nothing in `claims` may name another product or its audience.
function speaksOnlyOf(slug, claims, what) {
  const text = JSON.stringify(claims)
  for (const other of world.products.filter((other) => other.slug !== slug)) {
    const pattern = new RegExp(`"${other.slug}[":]`)
    assert.ok(!pattern.test(text) && !text.includes(other.audience), `${what} of ${slug} names ${other.slug}: ${text}`)
  }
}

async function codeByMail(login) {
  for (let tries = 0; tries < 50; tries++) {
    const mails = await (await fetch(world.mailbox, { headers: { accept: 'application/json' } })).json()
    const code = mails.find((mail) => mail.to === login && /\b\d{6,8}\b/.test(mail.text))
    if (code) return /\b\d{6,8}\b/.exec(code.text)[0]
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('no code by mail')
}

// Signs in at the client and answers the page or redirect at which it ends.
async function signIn(browser, user, client) {
  let page = await browser.get(authorization(client, 'v'.repeat(43)))
  page = await browser.press(page, 'login-submit', { username: user.login })
  page = await browser.press(page, 'login-submit', { password: user.password })
  if (user.must_enrol || !page.html?.getElementById('login-form')) return page
  const method = user.totp_secret ? 'totp' : 'email'
  if (!page.html.getElementById('code-submit')) page = await browser.press(page, `method-${method}`)
  if (!user.totp_secret) return browser.press(page, 'code-submit', { code: await codeByMail(user.login) })
  const answer = await browser.press(page, 'code-submit', { code: totp(user.totp_secret) })
  if (!answer.html?.getElementById('code-submit')) return answer
  // Somebody has used this half minute's code already, and a code works once.
  await new Promise((resolve) => setTimeout(resolve, 30_000 - (Date.now() % 30_000)))
  return browser.press(answer, 'code-submit', { code: totp(user.totp_secret) })
}

for (const user of world.users) {
  const browser = new Browser(new URL(world.issuer).origin)
  const own = webClients.find((client) => user.products[client.product]) ?? webClients[0]
  await check(`${user.login} signs in`, async () => {
    const page = await signIn(browser, user, own)
    const where = `${page.url} ${page.html?.querySelector('h1')?.text}`
    if (user.must_enrol) assert.ok(page.html && !page.url.searchParams.get('code'), where)
    else if (user.products[own.product]) assert.ok(page.url.searchParams.get('code'), where)
    else assert.ok(page.html.getElementById('no-access'), where)
  })
  for (const client of webClients) {
    await check(`${user.login} at ${client.client_id}`, async () => {
      const verifier = randomBytes(32).toString('base64url')
      let { url } = await browser.get(authorization(client, verifier, { prompt: 'none' }))
      if (url.searchParams.get('error') === 'consent_required') {
        // A third party's client: its people are asked once.
        const page = await browser.get(authorization(client, verifier))
        url = (await browser.press(page, 'consent-allow')).url
      }
      const code = url.searchParams.get('code')
      assert.equal(url.searchParams.get('iss'), world.issuer)
      assert.equal(Boolean(code), Boolean(!user.must_enrol && user.products[client.product]), url.search)
      if (!code) return
      const fields = { grant_type: 'authorization_code', code, redirect_uri: client.redirect_uris[0], code_verifier: verifier }
      const [status, tokens] = await token(client, fields)
      assert.equal(status, 200, JSON.stringify(tokens))
      const info = await (await fetch(`${world.issuer}/userinfo`, {
        headers: { authorization: `Bearer ${tokens.access_token}` },
      })).json()
      const id = payload(tokens.id_token)
      if (tokens.access_token.split('.').length === 3) {
        const access = payload(tokens.access_token)
        assert.deepEqual([access.aud].flat(), [product(client.product).audience])
        assert.equal(access.product, client.product)
        assert.deepEqual([...access.roles].sort(), [...user.products[client.product]].sort())
        for (const name of access.entitlements) assert.ok(name.startsWith(`${client.product}:`), name)
        assert.equal(access.sub, id.sub)
        speaksOnlyOf(client.product, access, 'access token')
      }
      assert.deepEqual([id.aud].flat(), [client.client_id])
      assert.equal(info.sub, id.sub)
      assert.deepEqual([...info.roles].sort(), [...user.products[client.product]].sort())
      speaksOnlyOf(client.product, id, 'ID token')
      speaksOnlyOf(client.product, info, 'UserInfo')
      // Another product's resource server must refuse it, and introspection tells others nothing.
      const stranger = world.clients.find((other) => other.product !== client.product && other.client_secret)
      const response = await fetch(`${world.issuer}/introspect`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${stranger.client_id}:${stranger.client_secret}`).toString('base64')}` },
        body: new URLSearchParams({ token: tokens.access_token }),
      })
      assert.deepEqual(await response.json(), { active: false })
    })
  }
}

for (const client of world.clients.filter((client) => client.grant_types.includes('client_credentials'))) {
  await check(`${client.client_id} for itself`, async () => {
    const [status, tokens] = await token(client, { grant_type: 'client_credentials' })
    assert.equal(status, 200, JSON.stringify(tokens))
    if (tokens.access_token.split('.').length !== 3) return
    const access = payload(tokens.access_token)
    assert.deepEqual([access.aud].flat(), [product(client.product).audience])
    assert.equal(access.product, client.product)
    speaksOnlyOf(client.product, access, 'access token')
  })
}

console.log(`\n${checks.passed} passed, ${checks.failed} failed`)
process.exit(checks.failed ? 1 : 0)
