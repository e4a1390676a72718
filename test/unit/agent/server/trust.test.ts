import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { ServiceError } from '@grpc/grpc-js'
import { NodeAgentServiceClient } from '@quorate/shared/gen/quorate/v1/node_agent'
import {
  certifyKey,
  createFleetCa,
  createIssuer,
  issueCertificate,
  type KeyPair,
} from '@quorate/shared/issue-certificate'
import { clientCredentials } from '@quorate/shared/mtls'
import { signTrustBundle } from '@quorate/shared/trust-bundle'
import t, { type Test } from 'tap'
import { streamOperation } from '../../../../agent/src/ops/context/operation.js'
import { getTrustBundle } from '../../../../agent/src/ops/get-trust-bundle.js'
import { keepDenyList } from '../../../../agent/src/ops/keep-deny-list.js'
import { keepTrustBundle } from '../../../../agent/src/ops/keep-trust-bundle.js'
import { offerIdentityKey } from '../../../../agent/src/ops/offer-identity-key.js'
import { renewIdentity } from '../../../../agent/src/ops/renew-identity.js'
import { denyListOf } from '../../../support/deny-lists.js'
import { detailOf, fleet, startToyAgent } from './toy-agent.js'

// The roots of a fleet change while an agent serves: who is shut out then, and who is not.

const next = createFleetCa('toy')
const both = next.certPem + fleet.certPem
const name = 'node1.example.com'
const names = { dnsNames: [name], ipAddresses: [], days: 2 }

/** An operator below an issuer of that root, whose certificate comes along. */
function operatorBelow(root: KeyPair): KeyPair {
  const ca = createIssuer(root)
  const wish = {
    ca,
    commonName: 'coordinator',
    organizations: ['quorate:operator'],
    ...names,
    usage: 'client',
  } as const
  const { certPem, keyPem } = issueCertificate(wish)
  return { certPem: certPem + ca.certPem, keyPem }
}

const certify = (root: KeyPair, publicKeyPem: string): string =>
  certifyKey({ ca: root, commonName: name, organizations: ['quorate:node'], ...names, usage: 'server' }, publicKeyPem)

const never = new Promise<never>(() => undefined)
const operations = {
  ...{ getTrustBundle, keepTrustBundle, keepDenyList, offerIdentityKey, renewIdentity },
  holdPorts: streamOperation(async function* () {
    yield { listening: [1], inUse: [], certificateSha256: '' }
    await never
  }),
}

/** Calls as that operator, over a connection that trusts both roots. */
function caller(t: Test, port: number, { certPem, keyPem }: KeyPair) {
  const credentials = clientCredentials({ ca: both, cert: certPem, key: keyPem })
  const client = new NodeAgentServiceClient(`127.0.0.1:${port}`, credentials, {
    'grpc.ssl_target_name_override': name,
    'grpc.use_local_subchannel_pool': 1,
  })
  t.teardown(() => client.close())
  const call = <T>(work: (done: (error: ServiceError | null, answer: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => work((error, answer) => (error ? reject(error) : resolve(answer))))
  return {
    /** Why the bundle is refused; undefined where it is not. */
    give: (document: string, certificatePem = certPem) =>
      call((done) => client.keepTrustBundle({ document, certificatePem }, done)).then(
        () => undefined,
        (error: ServiceError) => `${detailOf(error).message} ${detailOf(error).remedy}`,
      ),
    trusted: () => call<{ number: number; roots: string }>((done) => client.getTrustBundle({}, done)),
    deny: (document: string) => call((done) => client.keepDenyList({ document }, done)),
    async renewBelow(root: KeyPair) {
      const { publicKeyPem } = await call<{ publicKeyPem: string }>((done) => client.offerIdentityKey({}, done))
      await call((done) => client.renewIdentity({ certificatePem: certify(root, publicKeyPem) }, done))
    },
    /** A stream that is open; resolves when it ends. */
    hold() {
      const stream = client.holdPorts({ ports: [1], deadlineMs: 60_000, runId: '' })
      const ended = new Promise<void>((resolve) => stream.on('error', () => resolve()).on('end', () => resolve()))
      return { begun: once(stream, 'data'), ended }
    },
  }
}

const bundle = (number: number, roots: string, signer: KeyPair) => signTrustBundle({ number, roots }, signer)

t.test(
  'a node takes newer roots that a trusted one signed, and none that would shut out itself or its caller',
  async (t) => {
    const { port } = await startToyAgent(t, t.testdir(), operations)
    const old = caller(t, port, operatorBelow(fleet))
    const [newOperator, stranger] = [operatorBelow(next), createFleetCa('toy')]
    t.match(await old.give(bundle(1, both, next)), /no root that is trusted here signed it/)
    t.match(
      await old.give(bundle(1, both, stranger)),
      /no root that is trusted here signed it.* another fleet: .*--state/,
    )
    t.match(await old.give(`${bundle(1, both, fleet)}more`), /no signed bundle/)
    t.match(
      await old.give(bundle(1, createFleetCa('another').certPem + fleet.certPem, fleet)),
      /a root of another fleet/,
    )
    t.match(await old.give(bundle(1, createIssuer(fleet).certPem, fleet)), /another fleet|no root/)
    t.match(await old.give(bundle(1, next.certPem, fleet)), /own certificate is of none of them/)
    t.match(await old.trusted(), { number: 0, roots: fleet.certPem })

    t.equal(await old.give(bundle(3, both, fleet)), undefined)
    t.equal(await old.give(bundle(3, both, fleet)), undefined, 'the same again')
    t.match(await old.give(bundle(2, both, next)), /older than 3.* use the newest copy of the state folder/)
    t.match(await old.give(bundle(3, fleet.certPem, next)), /other roots with the number 3/)
    const fresh = caller(t, port, newOperator)
    t.match(await fresh.trusted(), { number: 3 }, 'who is below the next root comes in')

    t.match(await fresh.give(bundle(4, next.certPem, next)), /own certificate is of none of them/)
    await fresh.renewBelow(next)
    t.match(await old.give(bundle(4, next.certPem, next)), /the caller's certificate is of none of them/)
    await fresh.deny(denyListOf(fleet, 1, operatorBelow(fleet).certPem))
    t.match(await fresh.give(bundle(4, next.certPem, next)), /revoked keys/, 'revoked keys would count again')
    await fresh.deny(denyListOf(next, 2, operatorBelow(fleet).certPem))
    t.equal(await fresh.give(bundle(4, next.certPem, next)), undefined)
    t.match(await fresh.trusted(), { number: 4, roots: /^# trust bundle 4\n/ })
  },
)

t.test('when a root is given up, what is open ends, and only who is below the other comes in again', async (t) => {
  const { port } = await startToyAgent(t, t.testdir(), operations)
  const [oldOperator, newOperator] = [operatorBelow(fleet), operatorBelow(next)]
  const old = caller(t, port, oldOperator)
  const session = await sessionOf(port, oldOperator)
  t.ok(session, 'it got a session')
  await sessionOf(port, oldOperator, session)
  const ofOld = old.hold()
  await ofOld.begun
  t.equal(await old.give(bundle(1, both, fleet)), undefined)
  const fresh = caller(t, port, newOperator)
  await fresh.renewBelow(next)
  const isOpen = await Promise.race([ofOld.ended.then(() => false), pause(900, true)])
  t.equal(isOpen, true, 'another root, and a renewal, end nothing')

  t.equal(await fresh.give(bundle(2, next.certPem, next)), undefined)
  await ofOld.ended
  await t.rejects(old.trusted())
  await t.rejects(sessionOf(port, oldOperator, session), 'nor does a session of before come in again')
  t.match(await fresh.trusted(), { number: 2 })
})

/** A handshake, by a session that was had before if there is one; resolves with the session to come in again. Rejects where the node hangs up. */
async function sessionOf(port: number, { certPem, keyPem }: KeyPair, before?: Buffer): Promise<Buffer | undefined> {
  const options = { port, host: '127.0.0.1', ca: both, cert: certPem, key: keyPem, servername: name }
  const socket = connect({ ...options, ALPNProtocols: ['h2'], ...(before === undefined ? {} : { session: before }) })
  let session: Buffer | undefined
  socket.on('session', (given) => {
    session = given
  })
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
  try {
    // The first frames of HTTP/2 come once the node has accepted the certificate; a session comes before them.
    await Promise.race([
      once(socket, 'data'),
      once(socket, 'close').then(() => Promise.reject(new Error('the node hung up'))),
    ])
    return session ?? before
  } finally {
    socket.destroy()
  }
}
