import { posix } from 'node:path'
import { readClusterConfiguration, setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import { type RegenerateCertificateRequest, VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult, TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { parseEndpoint } from '@quorate/shared/names'
import { type CertificateView, keyMatches, readCertificate } from '@quorate/shared/pki'
import { holds, notYet, until } from '@quorate/shared/until'
import type { Host } from '../host/host.js'
import { readLocalApiServer } from '../host/local-api-server.js'
import { backupPlace, keepFiles } from './backup/store.js'
import { requireConfigMap } from './cluster/edit-config-map.js'
import {
  checkStaged,
  missingSans,
  newCertificate,
  type Pair,
  putPair,
  requireText,
} from './cluster/stage-certificate.js'
import { touchedSinceKept } from './cluster/touched-since-kept.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { pkiOn } from './context/paths.js'
import { changed, unchanged } from './context/result.js'
import { withRuntimeFolder } from './context/runtime-folder.js'

// Without file events the API server checks its files about once a minute (kubernetes pull request 84200).
const reloadWithinMs = 90_000

type Regenerate = Required<ChangeOperation<RegenerateCertificateRequest>>

/**
 * Gives the API server a certificate with all names of the old one and the requested ones: staged, checked, swapped, and verified in a
 * handshake. The API server reloads it without a restart. Unchanged if it already has the names.
 */
const regenerate: Regenerate['run'] = async (request, context) => {
  const { host } = context.tools
  const certificate = await pkiOn(host, 'apiserver.crt')
  const endpoint = parseEndpoint(request.controlPlaneEndpoint)
  if (endpoint === undefined) throw new QuorateError('INVALID_REQUEST', 'control_plane_endpoint is not name:port')
  await refuseOtherPlace(context)
  const old = readCertificate(await requireText(host, certificate))
  const required = [...request.sans, endpoint.host]
  if (missingSans(old, required).length === 0) {
    await untilServed(context, old.serial)
    return unchanged('the certificate already has these names', { serial: old.serial, previous_serial: old.serial })
  }
  if (request.expectedSerial !== '' && !sameSerial(request.expectedSerial, old.serial)) {
    throw new QuorateError(
      'DRIFT',
      `the certificate's serial is ${old.serial}, the plan saw ${request.expectedSerial}`,
      {
        where: certificate,
      },
    )
  }
  const { view, touched } = await issueAndSwap(context, request.controlPlaneEndpoint, [...old.sans, ...required])
  context.progress(`replaced certificate and key, waiting for the API server to serve serial ${view.serial}`)
  await untilServed(context, view.serial)
  return changed({
    summary: `the API server serves a certificate that is also valid for ${missingSans(old, required).join(', ')}`,
    touched,
    facts: { serial: view.serial, previous_serial: old.serial },
  })
}

/** The pair in use: key and certificate. */
const pairOn = async (host: Host): Promise<[key: string, certificate: string]> => [
  await pkiOn(host, 'apiserver.key'),
  await pkiOn(host, 'apiserver.crt'),
]

const evidence: Regenerate['evidence'] = async ({ sans, controlPlaneEndpoint }, { tools: { host } }) => {
  const [key, certificate] = await pairOn(host)
  const [certPem, keyPem] = await Promise.all([certificate, key].map((path) => requireText(host, path)))
  const view = readCertificate(certPem ?? '')
  const matches = keyMatches(certPem ?? '', keyPem ?? '')
  const wanted = [...sans, parseEndpoint(controlPlaneEndpoint)?.host ?? '']
  // A half-swapped pair works until the API server restarts: the operation under a new id repairs it.
  return doneIf(matches && missingSans(view, wanted).length === 0, {
    serial: view.serial,
    pair: matches ? 'matches' : 'half swapped',
    // For an undo, should the run stop here.
    [key]: sha256Hex(keyPem ?? ''),
    [certificate]: sha256Hex(certPem ?? ''),
  })
}

/** The unit is kubeadm's issuing, if it issues; its staged files stay in tmpfs while the unit is loaded, so the rest can be repeated. */
export const regenerateCertificate = changeOperation<RegenerateCertificateRequest>(regenerate, {
  evidence,
  carrier: { resume: resumed },
})

/** The agent that swapped the pair could not report it: every difference from the backup taken right before is this operation's. */
async function resumed(request: RegenerateCertificateRequest, context: ChangeContext): Promise<OperationResult> {
  const result = await regenerate(request, context)
  if (result.touched.length > 0) return result
  const touched = await touchedSinceKept(context, await pairOn(context.tools.host))
  return { ...result, unchanged: touched.length === 0, touched }
}

/** A certificate issued into kubeadm-config's folder but not used would be useless. */
async function refuseOtherPlace({ tools, signal }: ChangeContext): Promise<void> {
  const { pod } = await readLocalApiServer(tools.host)
  const { text } = await requireConfigMap(await tools.kube(), 'configmap/kube-system/kubeadm-config', signal)
  const { certificatesDir } = readClusterConfiguration(text)
  const [key, certificate] = await pairOn(tools.host)
  const used = { [certificate]: pod.flags['tls-cert-file'], [key]: pod.flags['tls-private-key-file'] }
  const other = Object.entries(used).find(([path, told]) => told !== path)
  if (other !== undefined)
    throw new QuorateError('NOT_IN_TABLE', `the API server uses ${other[1] ?? 'no file'}, not ${other[0]}`)
  const ends = await Promise.all(
    [certificatesDir, posix.dirname(certificate)].map((folder) => tools.host.linkEnd(folder)),
  )
  if (ends[0] !== ends[1])
    throw new QuorateError(
      'NOT_IN_TABLE',
      `kubeadm-config keeps certificates in ${certificatesDir}, the API server uses ${certificate}`,
    )
}

async function issueAndSwap(context: ChangeContext, controlPlaneEndpoint: string, sans: readonly string[]) {
  const { tools, header, signal } = context
  const { text } = await requireConfigMap(await tools.kube(), 'configmap/kube-system/kubeadm-config', signal)
  return withRuntimeFolder(tools.host, header.operationId, async (folder) => {
    const clusterConfiguration = setControlPlaneEndpoint(text, controlPlaneEndpoint, sans)
    const staged = await newCertificate(context, { folder, clusterConfiguration })
    const view = checkStaged(staged, await requireText(tools.host, await pkiOn(tools.host, 'ca.crt')), sans)
    return { view, touched: await swap(context, staged) }
  })
}

async function swap(context: ChangeContext, pair: Pair): Promise<TouchedObject[]> {
  await keepFiles(backupPlace(context), await pairOn(context.tools.host))
  context.signal.throwIfAborted()
  return putPair(context.tools.host, 'apiserver', pair)
}

const sameSerial = (one: string, other: CertificateView['serial']): boolean =>
  BigInt(`0x${one}`) === BigInt(`0x${other}`)

/** The certificate in a handshake counts, not the one in the file. */
async function untilServed({ tools, signal }: ChangeContext, serial: string): Promise<void> {
  const { address: host, port } = await readLocalApiServer(tools.host)
  const caPem = await requireText(tools.host, await pkiOn(tools.host, 'ca.crt'))
  const verify = VerifyMode.VERIFY_MODE_CHAIN_ONLY
  const look = async () => {
    const question = { host, port, path: '', serverName: '', verify, timeoutMs: 2_000, caPem }
    const { certificateSerial, error } = await tools.network.probe(question, caPem, signal)
    if (certificateSerial === '') return notYet(error)
    return sameSerial(certificateSerial, serial) ? holds(undefined) : notYet(`it serves serial ${certificateSerial}`)
  }
  const what = `the API server at ${host} to serve serial ${serial}`
  await until(what, look, { deadlineMs: reloadWithinMs, everyMs: 200, signal })
}
