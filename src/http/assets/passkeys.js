// Passkeys. Needs script by nature; a page that uses it says so and offers another way.
//
// A form takes part with
//   data-passkey="create" or "get", data-passkey-options="/path" (POST of this form, answers
//   {ceremony, options}), hidden fields `ceremony` and `credential`,
//   data-passkey-conditional if the browser may offer passkeys in the field's autofill, and
//   an element [data-passkey-error] for what went wrong.
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

const revive = ({ publicKey: key }) => ({
  ...key,
  challenge: decode(key.challenge),
  ...(key.user && { user: { ...key.user, id: decode(key.user.id) } }),
  ...(key.allowCredentials && { allowCredentials: key.allowCredentials.map((c) => ({ ...c, id: decode(c.id) })) }),
  ...(key.excludeCredentials && { excludeCredentials: key.excludeCredentials.map((c) => ({ ...c, id: decode(c.id) })) }),
});

const flatten = ({ id, rawId, type, response, authenticatorAttachment }, extensions) => ({
  id, type, rawId: encode(rawId), authenticatorAttachment, clientExtensionResults: extensions,
  response: Object.fromEntries(['attestationObject', 'authenticatorData', 'clientDataJSON', 'signature', 'userHandle']
    .filter((name) => response[name]).map((name) => [name, encode(response[name])])),
});

let waiting; // The request that offers passkeys in the autofill: only one may be open.

const ask = async (form, conditional) => {
  waiting?.abort();
  const aborter = new AbortController();
  if (conditional) waiting = aborter;
  const answer = await fetch(form.dataset.passkeyOptions, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok) throw new Error('options');
  const { ceremony, options } = await answer.json();
  const request = { publicKey: revive(options), signal: aborter.signal };
  if (conditional) request.mediation = 'conditional';
  const credential = form.dataset.passkey === 'create'
    ? await navigator.credentials.create(request) : await navigator.credentials.get(request);
  form.elements.ceremony.value = ceremony;
  form.elements.credential.value = JSON.stringify(flatten(credential, credential.getClientExtensionResults()));
  HTMLFormElement.prototype.submit.call(form);
};

const words = {
  NotAllowedError: 'Nothing was chosen, or it took too long. Try again, or use another method.',
  InvalidStateError: 'This device is enrolled already. Choose another one.',
  SecurityError: 'This address cannot use passkeys. Use another method.',
};
const say = (form, error) => {
  const place = form.querySelector('[data-passkey-error]');
  if (!place || error.name === 'AbortError') return;
  (place.querySelector('span') ?? place).textContent = words[error.name] ?? 'That did not work. Try again, or use another method.';
  place.hidden = false;
};

if ('PublicKeyCredential' in globalThis) {
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.addEventListener('submit', (event) => {
      // A button with a name of its own (cancel, another method) is no passkey button.
      if (event.submitter?.name) return;
      event.preventDefault();
      ask(form, false).catch((error) => say(form, error));
    });
    if ('passkeyConditional' in form.dataset) {
      // Once somebody reaches for the name: a page that nobody touches begins no ceremony.
      document.querySelector('input[autocomplete~="webauthn"]')?.addEventListener('pointerover', () => {
        PublicKeyCredential.isConditionalMediationAvailable?.().then((can) => can && ask(form, true)).catch(() => {});
      }, { once: true });
    }
  }
}
