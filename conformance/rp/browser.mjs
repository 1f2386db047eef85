// A browser without script: a cookie jar, redirects by hand, forms by their ids.
import { createHmac } from 'node:crypto'
import { parse } from 'node-html-parser'

export class Browser {
  #cookies = new Map()

  constructor(origin) {
    this.origin = origin
  }

  async get(url) {
    return this.#walk(new URL(url, this.origin), { method: 'GET' })
  }

  // Presses a button of the page after typing into its form.
  async press(page, button, typed = {}) {
    const element = page.html.getElementById(button)
    if (!element) throw new Error(`no button ${button} at ${page.url}: ${page.html.querySelector('h1')?.text}`)
    const form = element.closest('form')
    const fields = new URLSearchParams()
    for (const input of form.querySelectorAll('input')) {
      const name = input.getAttribute('name')
      if (name && !(name in typed)) fields.append(name, input.getAttribute('value') ?? '')
    }
    for (const [name, value] of Object.entries(typed)) fields.append(name, value)
    if (element.getAttribute('name')) fields.append(element.getAttribute('name'), element.getAttribute('value') ?? '')
    return this.#walk(new URL(form.getAttribute('action'), page.url), {
      method: 'POST',
      body: fields,
      headers: { origin: this.origin, 'sec-fetch-site': 'same-origin' },
    })
  }

  // Follows redirects on the server's own origin; one that leads elsewhere is the end.
  async #walk(url, request) {
    for (let hops = 0; hops < 20; hops++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(url, { ...request, redirect: 'manual', headers: { ...request.headers, cookie } })
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
        if (value && !/max-age=0/i.test(line)) this.#cookies.set(name, value)
        else this.#cookies.delete(name)
      }
      const location = response.headers.get('location')
      if (!location) return { url, status: response.status, html: parse(await response.text()) }
      url = new URL(location, url)
      if (url.origin !== this.origin) return { url, status: response.status }
      request = { method: 'GET' }
    }
    throw new Error(`redirected in circles at ${url}`)
  }
}

// RFC 6238: what the person's app shows.
export function totp(secret, at = Date.now()) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000)))
  const mac = createHmac('sha1', key).update(counter).digest()
  const offset = mac[19] & 15
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}
