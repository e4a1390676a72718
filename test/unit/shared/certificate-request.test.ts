import { execFileSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { opensslExtensions, readCertificateRequest, shortcomingsOf } from '@quorate/shared/certificate-request'
import { QuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'
import fc from 'fast-check'
import t from 'tap'
import { type CertificateWish, certificateRequest, issue, newKey } from '../../../lab/simulated/certificates.js'

const real = (name: string): string => readFileSync(new URL(`../../fixtures/requests/${name}`, import.meta.url), 'utf8')

t.test('reads the requests of real kubeadm: of 1.37.2 for an API server, of 1.30.4 for an administrator', async (t) => {
  t.match(readCertificateRequest(real('apiserver.csr')), {
    commonName: 'kube-apiserver',
    organizations: [],
    sans: [
      ...['api.example.com', 'cp2', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
      ...['kubernetes.default.svc.cluster.local', '10.96.0.1', '10.0.0.5', '10.0.0.9'],
    ],
  })
  const admin = readCertificateRequest(real('admin.conf.csr'))
  t.match(admin, { commonName: 'kubernetes-admin', organizations: ['kubeadm:cluster-admins'], sans: [] })
  const pem = execFileSync('openssl', ['req', '-pubkey', '-noout'], { input: real('admin.conf.csr') })
  const der = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  t.equal(admin.publicKeyPin, `sha256:${sha256Hex(der)}`, "openssl's word for its key")
})

t.test('the laboratory words a request as kubeadm does, and openssl can read it', async (t) => {
  const key = await newKey()
  const wish = {
    commonName: 'cp2',
    usage: 'both',
    dnsNames: ['cp2', 'localhost'],
    ipAddresses: ['10.0.0.5', '::1'],
  } as const
  const csr = certificateRequest(wish, key)
  t.match(readCertificateRequest(csr), { commonName: 'cp2', sans: ['cp2', 'localhost', '10.0.0.5', '::1'] })
  const said = execFileSync('openssl', ['req', '-verify', '-noout', '-text'], {
    input: csr,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  t.match(String(said), /DNS:cp2, DNS:localhost, IP Address:10\.0\.0\.5, IP Address:0:0:0:0:0:0:0:1/)
})

t.test('anything else is refused, never misread', async (t) => {
  const code = (pem: string): string => {
    try {
      readCertificateRequest(pem)
      return 'read'
    } catch (error) {
      return error instanceof QuorateError ? error.code : String(error)
    }
  }
  for (const pem of [
    '',
    'x',
    real('admin.conf.csr').replace(/REQUEST/g, ''),
    real('admin.conf.csr').replace(/\n.{64}\n/, '\n'),
  ])
    t.equal(code(pem), 'CERTIFICATE_INVALID')
  const wrapped = (bytes: Uint8Array): string =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) =>
      ['CERTIFICATE_INVALID', 'read'].includes(code(wrapped(bytes))),
    ),
  )
})

t.test('names that could become a line of openssl, a command or a terminal’s are refused', async (t) => {
  const key = await newKey()
  const usage = 'server' as const
  const refused = (wish: Omit<CertificateWish, 'usage'>, why: RegExp): void => {
    const csr = certificateRequest({ ...wish, usage }, key)
    t.throws(() => opensslExtensions({ csr, usages: [usage] }), { code: 'CERTIFICATE_INVALID', message: why })
  }
  const evil = 'a.example.com\nbasicConstraints = critical, CA:TRUE'
  for (const name of [evil, 'a b', 'a,DNS:b', 'a;b', '$(id)', '', 'a\0b', '\u202ea', 'ä', '-a', 'a..b', '*', 'a.*'])
    refused({ commonName: 'cp2', dnsNames: [name] }, /neither a DNS name nor an IP address/)
  refused({ commonName: evil }, /no name of Kubernetes/)
  refused({ commonName: 'cp2', organizations: ['o\nx'] }, /no name of Kubernetes/)
  refused({ commonName: '' }, /no name of Kubernetes/)
  const good = certificateRequest({ commonName: 'cp2', dnsNames: ['*.example.com', 'Cp2.Example.com'], usage }, key)
  t.match(opensslExtensions({ csr: good, usages: [usage] }), /DNS:\*\.example\.com, DNS:Cp2\.Example\.com/)
  const other = good.replaceAll('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST')
  t.throws(() => readCertificateRequest(other + good), { code: 'CERTIFICATE_INVALID' }, 'openssl would sign the first')
})

t.test('what openssl alone would put into a request is refused: other extensions, names, attributes', async (t) => {
  const made = (...args: string[]): string =>
    String(
      execFileSync('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', ...args], {
        stdio: 'pipe',
      }),
    )
  const plain = ['-subj', '/CN=cp2']
  t.match(readCertificateRequest(made(...plain, '-addext', 'subjectAltName=DNS:cp2')), { sans: ['cp2'] })
  for (const args of [
    [...plain, '-addext', 'basicConstraints=critical,CA:TRUE'],
    [...plain, '-addext', 'subjectAltName=URI:https://x'],
    [...plain, '-addext', 'subjectAltName=email:a@b.c'],
    ['-subj', '/CN=cp2/CN=cp3'],
    ['-subj', '/CN=cp2/OU=x'],
  ])
    t.throws(() => readCertificateRequest(made(...args)), { code: 'CERTIFICATE_INVALID' }, args.join(' '))
})

t.test('a certificate must be what its request asked this CA for', async (t) => {
  const [caKey, otherKey, key] = [await newKey(), await newKey(), await newKey()]
  const ca = issue({ commonName: 'kubernetes', usage: 'ca' }, caKey)
  const other = issue({ commonName: 'kubernetes', usage: 'ca' }, otherKey)
  const now = Date.now()
  const wish: CertificateWish = {
    ...{ commonName: 'kube-apiserver', organizations: ['o1', 'o2'], usage: 'server' },
    ...{ dnsNames: ['api.example.com', 'cp2'], ipAddresses: ['10.0.0.5'] },
  }
  const csr = certificateRequest(wish, key)
  const problems = (pem: string): readonly string[] =>
    shortcomingsOf(pem, { csr, caPem: ca.cert, usages: ['server'], now })
  const signed = (change: Partial<CertificateWish>, by = ca): readonly string[] =>
    problems(issue({ ...wish, ...change }, key, by).cert)
  const at = (days: number): Date => new Date(now + days * 86_400_000)
  t.same(signed({}), [])
  t.same(
    signed({ dnsNames: ['more.example.com', 'cp2', 'api.example.com'], organizations: ['o2', 'o1'] }),
    [],
    'more names, in any order',
  )
  t.same(problems('no certificate'), ['it is not a PEM certificate'])
  t.match(problems(issue(wish, otherKey, ca).cert), [/^its key differs from the request/])
  t.match(signed({}, other), [/^it is not signed by CN=kubernetes, the CA of this cluster/])
  t.same(signed({ dnsNames: ['cp2'], ipAddresses: [] }), ['it lacks api.example.com, 10.0.0.5'])
  t.same(signed({ usage: 'client' }), ['its extended key usage lacks serverAuth'])
  t.match(signed({ organizations: ['system:masters'] }), [
    /^its subject is O=system:masters, CN=kube-apiserver, the request's is O=o1, O=o2, CN=kube-apiserver$/,
  ])
  t.match(signed({ notAfter: at(0.5) }), [/^it expires on /])
  t.match(signed({ notBefore: at(1) }), [/^it is valid only from /])
  t.match(signed({ usage: 'ca' }).join('; '), /it is the certificate of a CA/)
})

t.test("what openssl is told makes a certificate that fits, by openssl's own hand", async (t) => {
  const [caKey, key] = [await newKey(), await newKey()]
  const ca = issue({ commonName: 'etcd-ca', usage: 'ca' }, caKey)
  const wish = { commonName: 'cp2', usage: 'both', dnsNames: ['cp2'], ipAddresses: ['10.0.0.5', '::1'] } as const
  const csr = certificateRequest(wish, key)
  const usages = ['server', 'client'] as const
  const folder = t.testdir({
    'a.csr': csr,
    'a.ext': opensslExtensions({ csr, usages }),
    'ca.crt': ca.cert,
    'ca.key': ca.key,
  })
  const at = (name: string): string => join(folder, name)
  execFileSync(
    'openssl',
    [
      ...['x509', '-req', '-in', at('a.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'],
      ...['-days', '30', '-extfile', at('a.ext'), '-out', at('a.crt')],
    ],
    { stdio: 'pipe' },
  )
  t.same(shortcomingsOf(readFileSync(at('a.crt'), 'utf8'), { csr, caPem: ca.cert, usages, now: Date.now() }), [])
})
