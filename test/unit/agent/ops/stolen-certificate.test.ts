import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createSealing } from '@quorate/agent/host/age-sealing'
import { Pins } from '@quorate/agent/host/pins'
import { writeArchive } from '@quorate/agent/ops/backup/archive'
import { checkJoin } from '@quorate/agent/ops/check-join'
import { type JoinSecret, placeJoinSecret as keepSecret } from '@quorate/agent/ops/cluster/join-secret'
import { createJoinToken } from '@quorate/agent/ops/create-join-token'
import { joinControlPlane } from '@quorate/agent/ops/join-control-plane'
import { placeJoinSecret } from '@quorate/agent/ops/place-join-secret'
import { placeSharedFiles } from '@quorate/agent/ops/place-shared-files'
import { probeDiscovery } from '@quorate/agent/ops/probe-discovery'
import { readBackup } from '@quorate/agent/ops/read-backup'
import { sealSharedFiles } from '@quorate/agent/ops/seal-shared-files'
import { uploadCertificates } from '@quorate/agent/ops/upload-certificates'
import { watchAvailability } from '@quorate/agent/ops/watch-availability'
import type { JoinSpec } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { SealedSecret } from '@quorate/shared/gen/quorate/v1/operation'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import t, { type Test } from 'tap'
import { startApiServer } from '../../../support/api-server.js'
import { controlPlaneNode, nodeName, runId } from '../../../support/control-plane-node.js'
import { identityOf, noneDenied, recipientOf, sealedBy } from '../../../support/node-identities.js'
import { OpsNode, runId as opsRun, rejected } from '../../../support/ops-node.js'

// What a thief of the coordinator's certificate alone asks for: it has no key of a node.

const signal = new AbortController().signal
const theirs = async () => identityToRecipient(await generateX25519Identity())
const sealedByThief = async (recipient: string, plain: Uint8Array | string) => {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return { node: 'k8smaster2.example.com', ciphertext: Buffer.from(await encrypter.encrypt(plain)) }
}

t.test('secrets of a cluster are not sealed to a key of the caller, and nothing is made for it', async (t) => {
  const node = await controlPlaneNode(t, { programs: { kubeadm: 'touch "$QUORATE_HOST_ROOT/ran"' } })
  const proof = recipientOf('cp2', await createSealing(identityOf('cp2'), noneDenied))
  for (const to of [
    { node: 'cp2', recipient: await theirs(), signature: Buffer.alloc(0), certificatePem: '' },
    { ...proof, recipient: await theirs() },
  ]) {
    const request = { header: undefined, recipients: [to], tokenTtlSeconds: 3600 }
    await t.rejects(uploadCertificates.run(request, node.context()), { code: 'SEAL_UNPROVEN' })
    await t.rejects(createJoinToken.run(request, node.context()), { code: 'SEAL_UNPROVEN' })
    await t.rejects(sealSharedFiles.run(request, node.context()), { code: 'SEAL_UNPROVEN' })
  }
  t.notOk(node.api.asked.some((line) => line.startsWith('POST')))
  t.notOk(existsSync(join(node.root, 'ran')), 'kubeadm uploaded nothing')
})

t.test('a backup is not read for a key of the caller', async (t) => {
  const node = await OpsNode.make(t)
  const { host, stateFolder } = node.tools
  const read = async (recipient: string, pins = node.tools.pins): Promise<void> => {
    for await (const _ of readBackup.run({ runId: opsRun, kind: 'etcd', recipient }, { ...node.tools, pins }, signal));
  }
  node.write(`${stateFolder}/backups/${opsRun}/etcd-snapshot.db`, 'every Secret of the cluster')
  const [operator, thief] = [await theirs(), await theirs()]
  const warned: string[] = []
  const place = { host, stateFolder, log: { warn: (event: string) => void warned.push(event) } }
  const enrolled = new Pins({ ...place, enrolled: { 'backup-recipient': operator } })
  t.match(await rejected(read(thief, enrolled)), {
    code: 'PINNED_TO_ANOTHER',
    where: '/etc/quorate/agent.yaml',
    message: new RegExp(`${operator}, not ${thief}`),
  })
  await read(operator, enrolled)
  const before = new Pins({ ...place, enrolled: {} })
  await Promise.allSettled([read(operator, before), read(thief, before)])
  await t.rejects(read(thief, new Pins({ ...place, enrolled: {} })), { code: 'PINNED_TO_ANOTHER' }, 'after a restart')
  await read(operator, before)
  t.match(warned, [/^pinned on first use: backups of this node go to/], 'and says so, once')
})

t.test('no file is placed that no node sealed, and none that is a program', async (t) => {
  const joiner = await OpsNode.make(t)
  const file = { path: 'etc/kubernetes/audit/x', mode: 0o4755, uid: 1000, gid: 1000, bytes: Buffer.from('#!/bin/sh\n') }
  const archive = Buffer.concat([...writeArchive([file])])
  const forged = await sealedByThief(joiner.tools.sealing.recipient, archive)
  t.equal((await rejected(joiner.change(placeSharedFiles, { files: forged }))).code, 'SEAL_UNPROVEN')
  t.strictSame(await joiner.tools.host.list('/etc'), [])
  const first = await createSealing(identityOf(nodeName), noneDenied)
  const about = { purpose: 'shared-files', runId: opsRun } as const
  const files = await sealedBy(first, joiner.asRecipient, archive, about)
  await joiner.change(placeSharedFiles, { files })
  t.equal(joiner.mode('/etc/kubernetes/audit/x'), 0o644)
  const replayed = await sealedBy(first, joiner.asRecipient, archive, { ...about, runId })
  t.equal((await rejected(joiner.change(placeSharedFiles, { files: replayed }))).code, 'SECRET_NOT_FOR_US')
})

const own = createFleetCa('own')
const foreign = createFleetCa('foreign')
const secretOf = (ca: typeof own, endpoint: string): JoinSecret => ({
  ...{ token: 'abcdef.0123456789abcdef', certificateKey: 'a1'.repeat(32), endpoint, caPem: ca.certPem },
})
const joinOf = ({ endpoint, caPem }: JoinSecret): JoinSpec => ({
  ...{ endpoint, nodeName, advertiseAddress: '192.168.13.31', bindPort: 6443, kubeadmApiVersion: 'v1beta4' },
  ...{ caPin: readCertificate(caPem).publicKeyPin, discoveryCaPem: '', nodeIp: '', withPatches: false },
  ...{ ignorePreflightErrors: [], etcdTimeoutSeconds: 300, kubeletExtraArgs: [], ownTaints: false, taints: [] },
})

t.test('a machine joins no cluster but that of the control plane that sealed the secret', async (t) => {
  const node = await controlPlaneNode(t, { programs: { kubeadm: 'touch "$QUORATE_HOST_ROOT/ran"' } })
  await node.host.remove('/etc/kubernetes', { recursive: true })
  const [mine, another] = [secretOf(own, 'own.example.com:6443'), secretOf(foreign, 'foreign.example.com:6443')]
  const forged = await sealedByThief(node.sealing.recipient, JSON.stringify(another))
  const place = (secret: SealedSecret) => placeJoinSecret.run({ header: undefined, secret }, node.context())
  await t.rejects(place(forged), { code: 'SEAL_UNPROVEN' })
  await keepSecret(node.host, mine)
  for (const elsewhere of [
    { ...joinOf(mine), endpoint: another.endpoint },
    { ...joinOf(mine), caPin: joinOf(another).caPin },
  ]) {
    await t.rejects(joinControlPlane.run({ header: undefined, join: elsewhere }, node.context()), {
      code: 'SECRET_NOT_FOR_US',
    })
    const to = recipientOf(nodeName, node.sealing)
    const token = await sealedBy(node.sealing, to, JSON.stringify(mine), { purpose: 'join-token', runId })
    const checked = checkJoin.run({ join: elsewhere, token, runId }, node.tools, signal)
    await t.rejects(checked[Symbol.asyncIterator]().next(), { code: 'SECRET_NOT_FOR_US' })
  }
  t.notOk(existsSync(join(node.root, 'ran')), 'kubeadm was not run')
  // kubeadm of this test writes nothing, so the join fails; the pin is older than that.
  await t.rejects(joinControlPlane.run({ header: undefined, join: joinOf(mine) }, node.context('op-2')))
  t.equal(node.text('/var/lib/quorate-agent/pinned-cluster-ca').trim(), joinOf(mine).caPin)
  const to = recipientOf(nodeName, node.sealing)
  const proved = await sealedBy(node.sealing, to, JSON.stringify(another), { purpose: 'join-secret', runId })
  await t.rejects(place(proved), { code: 'PINNED_TO_ANOTHER', where: '/var/lib/quorate-agent/pinned-cluster-ca' })
  await node.host.remove('/var/lib/quorate-agent/pinned-cluster-ca')
  t.match(await place(proved), { unchanged: false }, 'cleared on the node itself')
})

/** The thief's own API server, with a certificate that only its CA explains. */
async function thiefsServer(t: Test) {
  const names = { commonName: 'x', organizations: [], dnsNames: ['kubernetes'], ipAddresses: ['127.0.0.1'] }
  const pair = issueCertificate({ ca: foreign, ...names, days: 1, usage: 'server' })
  const thief = await startApiServer({ pair, caPem: foreign.certPem, signs: true })
  t.teardown(() => thief.close())
  return thief
}

t.test('the credentials of admin.conf go to no server under a CA that the caller names', async (t) => {
  const node = await controlPlaneNode(t)
  const thief = await thiefsServer(t)
  const target = { name: 'write', host: '127.0.0.1', port: thief.port, serverName: 'kubernetes', write: true }
  const request = {
    ...{ targets: [{ ...target, everyMs: 10, dnsName: '', freshEveryMs: 0, onceGood: false }] },
    ...{ readEveryMs: 10, writeEveryMs: 10, caPem: foreign.certPem },
  }
  const watch = watchAvailability.run(request, node.tools, signal)[Symbol.asyncIterator]()
  const { value } = await watch.next()
  await watch.return?.()
  t.match(value.seen, [{ name: 'write' }])
  t.same(thief.asked, [])
})

t.test('the join token is sent to no endpoint and under no CA that the caller names', async (t) => {
  const node = await controlPlaneNode(t, { programs: { getent: 'echo "127.0.0.1 STREAM localhost"' } })
  const thief = await thiefsServer(t)
  const token = 'abcdef.0123456789abcdef'
  thief.tokens.add(token)
  const request = { endpoint: `kubernetes:${thief.port}`, caPem: foreign.certPem, byFile: true }
  await keepSecret(node.host, { ...secretOf(own, `kubernetes:${node.api.port}`), caPem: node.ca.certPem })
  await t.rejects(probeDiscovery.run(request, node.tools, signal), { code: 'SECRET_NOT_FOR_US' })
  // The thief answers at the true endpoint: its CA comes with the request alone.
  await keepSecret(node.host, { ...secretOf(own, request.endpoint), caPem: node.ca.certPem })
  t.match(await probeDiscovery.run(request, node.tools, signal), { tokenAccepted: false, error: /./ })
  t.same(thief.asked, [], 'not one request with the token')
})
