import { execFileSync } from 'node:child_process'
import { newCertificateKey, newToken, verifyClusterInfoSignature } from '@quorate/shared/bootstrap-token'
import fc from 'fast-check'
import t from 'tap'
import { parse } from 'yaml'
import { fixture, fixtureData } from '../../support/fixtures.js'

const token = 'abcdef.0123456789abcdef'
const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/** The signature as openssl makes it: another hand than the one that checks. */
function sign(kubeconfig: string, header: object, secret: string): string {
  const encoded = base64url(JSON.stringify(header))
  const mac = execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret, '-binary'], {
    input: `${encoded}.${base64url(kubeconfig)}`,
  })
  return `${encoded}..${mac.toString('base64url')}`
}

const kubeconfig = fixtureData('v1.37.2', 'after/cm-cluster-info.yaml', 'kubeconfig')
const header = { alg: 'HS256', kid: 'abcdef' }
const jws = sign(kubeconfig, header, '0123456789abcdef')

t.test('a signature holds for its text, its token and no other', async (t) => {
  t.equal(verifyClusterInfoSignature(kubeconfig, jws, token), true)
  t.equal(verifyClusterInfoSignature(`${kubeconfig}\n`, jws, token), false, 'another text')
  t.equal(verifyClusterInfoSignature(kubeconfig.replace('8443', '8444'), jws, token), false, 'another server')
  t.equal(verifyClusterInfoSignature(kubeconfig, jws, 'abcdef.0123456789abcdeg'), false, 'another secret')
  t.equal(verifyClusterInfoSignature(kubeconfig, jws, 'abcdeg.0123456789abcdef'), false, 'another id')
  t.equal(
    verifyClusterInfoSignature(kubeconfig, sign(kubeconfig, { alg: 'none', kid: 'abcdef' }, '0123456789abcdef'), token),
    false,
    'another algorithm',
  )
  t.equal(
    verifyClusterInfoSignature(
      kubeconfig,
      sign(kubeconfig, { alg: 'HS256', kid: 'ghijkl' }, '0123456789abcdef'),
      token,
    ),
    false,
    'made for another id',
  )
})

t.test('what real clusters publish has that shape, and is not signed by our token', async (t) => {
  const data = parse(fixture('v1.37.2', 'after/cm-cluster-info.yaml')).data as Record<string, string>
  const signatures = Object.entries(data).filter(([key]) => key.startsWith('jws-kubeconfig-'))
  t.ok(signatures.length > 0)
  for (const [key, value] of signatures) {
    const id = key.slice('jws-kubeconfig-'.length)
    t.strictSame(JSON.parse(Buffer.from(value.split('..')[0] ?? '', 'base64url').toString()), { alg: 'HS256', kid: id })
    t.equal(verifyClusterInfoSignature(kubeconfig, value, `${id}.0123456789abcdef`), false)
  }
})

t.test('fuzz: never an error, never true for what was changed', async () => {
  const change = fc.record({
    at: fc.nat(jws.length - 1),
    to: fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
  })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        change.map(({ at, to }) => jws.slice(0, at) + to + jws.slice(at + 1)),
      ),
      (text) => {
        if (text === jws) return true
        // The last character of base64 carries bits that say nothing.
        return !verifyClusterInfoSignature(kubeconfig, text, token) || text.slice(0, -1) === jws.slice(0, -1)
      },
    ),
    { numRuns: 500 },
  )
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !verifyClusterInfoSignature(kubeconfig, jws, text)))
})

t.test('tokens and keys are of the form that kubeadm takes, each another', async (t) => {
  const made = Array.from({ length: 50 }, newToken)
  t.ok(made.every(({ id, secret }) => /^[a-z0-9]{6}$/.test(id) && /^[a-z0-9]{16}$/.test(secret)))
  t.equal(new Set(made.map(({ secret }) => secret)).size, 50)
  t.match(newCertificateKey(), /^[0-9a-f]{64}$/)
  t.not(newCertificateKey(), newCertificateKey())
})
