import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { parseNodeName } from '@quorate/shared/names'
import t, { type Test } from 'tap'
import { openSession } from '../../../coordinator/src/open-session.js'
import { enrolBundle } from '../../../coordinator/src/state/enroll-bundle.js'
import { readIdentity } from '../../../coordinator/src/state/fleet-ca.js'
import { initState } from '../../../coordinator/src/state/init.js'
import { renewalsOf } from '../../../coordinator/src/state/renewals.js'

const name = parseNodeName('cp1.example.com')
const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256

/** A session, and a node that tells who connects. */
async function served(t: Test) {
  const paths = await initState(join(t.testdir(), 'state'))
  const bundle = join(t.testdirName, 'cp1')
  await enrolBundle(paths, { node: name, address: '127.0.0.1', bundle })
  const [cert, key] = ['node.crt', 'node.key'].map((file) => readFileSync(join(bundle, file), 'utf8'))
  const ca = (await readIdentity(paths)).ca
  const server = createServer({ ca, cert, key, requestCert: true, ALPNProtocols: ['h2'] })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const session = await openSession(paths.folder)
  const { port } = server.address() as AddressInfo
  const shown = async (): Promise<string> => {
    const fleet = session.connect()
    const asked = fleet.agent({ name, address: '127.0.0.1', agent: `127.0.0.1:${port}` }).read('getNodeFacts', {})
    const refused = asked.catch(() => undefined)
    const [socket] = (await once(server, 'secureConnection')) as [TLSSocket]
    const { fingerprint256 } = socket.getPeerCertificate()
    fleet.close()
    socket.destroy()
    await refused
    return fingerprint256
  }
  return { paths, session, shown }
}

t.test('an identity that another process renewed is shown from the next connection on', async (t) => {
  const { paths, session, shown } = await served(t)
  const first = await readIdentity(paths)
  t.equal(await shown(), fingerprintOf(first.cert))
  await renewalsOf(paths).renewOwn('now')
  const next = await readIdentity(paths)
  t.not(next.cert, first.cert)
  t.equal(await shown(), fingerprintOf(next.cert))
  t.equal(session.revocations?.ownKey(), (await openSession(paths.folder)).revocations?.ownKey())
})

t.test(
  'while a renewal has written only the key, and while a file is damaged, the identity before is shown',
  async (t) => {
    const { paths, shown } = await served(t)
    const first = fingerprintOf((await readIdentity(paths)).cert)
    const cert = readFileSync(paths.coordinatorCert)
    t.equal(await shown(), first)
    await renewalsOf(paths).renewOwn('now')
    const next = readFileSync(paths.coordinatorCert)
    writeFileSync(paths.coordinatorCert, cert)
    t.equal(await shown(), first, 'the key alone is new')
    writeFileSync(paths.coordinatorCert, 'nothing')
    t.equal(await shown(), first, 'a certificate that cannot be read')
    writeFileSync(paths.coordinatorCert, next)
    t.equal(await shown(), fingerprintOf(String(next)))
  },
)
