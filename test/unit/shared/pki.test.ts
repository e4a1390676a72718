import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFleetCa, issueCertificate, throwAwayCertificate } from '@quorate/shared/issue-certificate'
import { canonicalAddress, isSignedBy, keyMatches, readCertificate, readCertificates } from '@quorate/shared/pki'
import fc from 'fast-check'
import t from 'tap'
import { fixture, fixtureVersions } from '../../support/fixtures.js'

const kubernetesSans = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
]

t.test('reads the certificates of real clusters', async (t) => {
  const before = readCertificate(fixture('v1.37.2', 'before/pki/apiserver.crt'))
  t.match(before, {
    subject: 'CN=kube-apiserver',
    commonName: 'kube-apiserver',
    issuer: 'CN=kubernetes',
    serial: '48D1F40A0B45F082',
    isCa: false,
    notBefore: new Date('2026-11-22T17:24:08Z'),
    notAfter: new Date('2027-11-22T17:29:08Z'),
  })
  for (const version of fixtureVersions) {
    const [old, renewed] = ['before', 'after/cp1'].map((when) =>
      readCertificate(fixture(version, `${when}/pki/apiserver.crt`)),
    )
    t.strictSame(old?.sans, ['k8smaster1.example.com', ...kubernetesSans, '10.96.0.1', '192.168.13.30'])
    t.strictSame(new Set(renewed?.sans), new Set([...(old?.sans ?? []), 'apiserver.example.com', '192.168.13.100']))
    t.not(renewed?.serial, old?.serial)
    const ca = fixture(version, 'before/pki/ca.crt')
    t.ok(readCertificate(ca).isCa)
    t.ok(isSignedBy(fixture(version, 'after/cp1/pki/apiserver.crt'), ca))
    t.notOk(isSignedBy(fixture(version, 'before/pki/etcd/server.crt'), ca), 'etcd has a CA of its own')
    t.ok(isSignedBy(fixture(version, 'before/pki/etcd/server.crt'), fixture(version, 'before/pki/etcd/ca.crt')))
  }
  t.notOk(
    isSignedBy(fixture('v1.30.4', 'before/pki/apiserver.crt'), fixture('v1.37.2', 'before/pki/ca.crt')),
    'same name, another key',
  )
})

t.test("kubeadm's pin of a CA is what openssl makes of it", async (t) => {
  const ca = fixture('v1.37.2', 'before/pki/ca.crt')
  const spki = execFileSync('openssl', ['x509', '-noout', '-pubkey'], { input: ca })
  const der = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'der'], { input: spki })
  const digest = execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: der }).toString().split(' ')[0]
  t.equal(readCertificate(ca).publicKeyPin, `sha256:${digest}`)
})

t.test('what it issues holds before a strict judge', async (t) => {
  const folder = t.testdir()
  const ca = createFleetCa('1234')
  const { certPem, keyPem } = issueCertificate({
    ca,
    commonName: 'k8smaster1.example.com',
    organizations: ['quorate:node', 'Überprüfung'],
    dnsNames: ['k8smaster1.example.com'],
    ipAddresses: ['192.168.13.30', 'fd00::1', '::'],
    days: 365,
    usage: 'server',
  })
  const seen = readCertificate(certPem)
  t.match(seen, {
    subject: 'O=quorate:node, O=Überprüfung, CN=k8smaster1.example.com',
    organizations: ['quorate:node', 'Überprüfung'],
    issuer: 'CN=quorate fleet 1234',
    sans: ['k8smaster1.example.com', '192.168.13.30', 'fd00::1', '::'],
    isCa: false,
  })
  t.ok(isSignedBy(certPem, ca.certPem))
  t.notOk(isSignedBy(certPem, createFleetCa('1234').certPem), 'not by another of the same name')
  t.ok(keyMatches(certPem, keyPem))
  t.notOk(keyMatches(certPem, ca.keyPem))
  t.notOk(keyMatches(certPem, 'no key'))
  const day = 86_400_000
  t.ok(Math.abs(seen.notAfter.getTime() - Date.now() - 365 * day) < 60_000)
  t.ok(seen.notBefore.getTime() < Date.now() - 60_000, 'holds on a node whose clock is behind')

  writeFileSync(join(folder, 'ca.crt'), ca.certPem)
  writeFileSync(join(folder, 'node.crt'), certPem)
  const verify = (purpose: string): string => {
    try {
      const file = (name: string): string => join(folder, name)
      return execFileSync(
        'openssl',
        ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', file('ca.crt'), file('node.crt')],
        { stdio: 'pipe' },
      ).toString()
    } catch (error) {
      return String((error as { stderr: unknown }).stderr)
    }
  }
  t.match(verify('sslserver'), /OK/)
  t.match(verify('sslclient'), /purpose/i, 'a server certificate is no client certificate')
})

t.test('an RSA authority can sign too', async (t) => {
  const keyPem = execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], {
    stdio: 'pipe',
  }).toString()
  const folder = t.testdir({ key: keyPem })
  const made = execFileSync(
    'openssl',
    ['req', '-x509', '-new', '-key', join(folder, 'key'), '-subj', '/O=x/CN=kubernetes', '-days', '1'],
    { stdio: 'pipe' },
  ).toString()
  const leaf = issueCertificate({
    ca: { certPem: made, keyPem },
    commonName: 'a',
    organizations: [],
    dnsNames: ['a'],
    ipAddresses: [],
    days: 1,
    usage: 'both',
  })
  t.ok(isSignedBy(leaf.certPem, made))
  t.equal(readCertificate(leaf.certPem).issuer, 'O=x, CN=kubernetes')
})

t.test('an expired one, a throw-away one', async (t) => {
  const expired = issueCertificate({
    ca: createFleetCa('a'),
    commonName: 'a',
    organizations: [],
    dnsNames: [],
    ipAddresses: [],
    days: -1,
    usage: 'client',
  })
  t.ok(readCertificate(expired.certPem).notAfter.getTime() < Date.now())
  const probe = throwAwayCertificate()
  t.equal(probe.sha256, new X509Certificate(probe.certPem).fingerprint256.replaceAll(':', '').toLowerCase())
  t.ok(keyMatches(probe.certPem, probe.keyPem))
  t.not(throwAwayCertificate().sha256, probe.sha256)
})

t.test('a bundle, and what is none', async (t) => {
  const [a, b] = [createFleetCa('a').certPem, createFleetCa('b').certPem]
  t.strictSame(
    readCertificates(`# first\n${a}\r\n${b}`).map(({ commonName }) => commonName),
    ['quorate fleet a', 'quorate fleet b'],
  )
  t.strictSame(readCertificates('nothing'), [])
  for (const text of ['', 'x', a.slice(0, 200), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----']) {
    t.throws(
      () => readCertificate(text),
      { name: 'QuorateError', code: 'CERTIFICATE_INVALID' },
      JSON.stringify(text.slice(0, 30)),
    )
    t.throws(() => isSignedBy(text, a), { code: 'CERTIFICATE_INVALID' })
  }
  t.throws(
    () =>
      issueCertificate({
        ca: createFleetCa('a'),
        commonName: 'a',
        organizations: [],
        dnsNames: [],
        ipAddresses: ['a.b'],
        days: 1,
        usage: 'both',
      }),
    { code: 'INVALID_REQUEST' },
  )
})

t.test('names that try to look like others', async (t) => {
  const tricky = ['a.example.com, DNS:admin.example.com', 'x"y', 'IP Address:10.0.0.1']
  const { certPem } = issueCertificate({
    ca: createFleetCa('a'),
    commonName: 'a, O=quorate:operator',
    organizations: [],
    dnsNames: tricky,
    ipAddresses: [],
    days: 1,
    usage: 'client',
  })
  t.strictSame(readCertificate(certPem).sans, tricky)
  t.strictSame(readCertificate(certPem).organizations, [], 'a name is not a role')
})

t.test('property: every address survives a certificate, in its canonical form', async () => {
  const ca = createFleetCa('a')
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 4 }), (ipAddresses) => {
      const { certPem } = issueCertificate({
        ca,
        commonName: 'a',
        organizations: [],
        dnsNames: [],
        ipAddresses,
        days: 1,
        usage: 'both',
      })
      const certificate = new X509Certificate(certPem)
      return (
        readCertificate(certPem).sans.join() === ipAddresses.map(canonicalAddress).join() &&
        ipAddresses.every((address) => certificate.checkIP(address) !== undefined)
      )
    }),
    { numRuns: 50 },
  )
})
