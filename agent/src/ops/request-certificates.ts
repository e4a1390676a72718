import { requestProblems } from '@quorate/shared/asked-certificate'
import { QuorateError } from '@quorate/shared/errors'
import type { RequestCertificatesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import type { LeafCertificate } from '@quorate/shared/kubeadm-certificates'
import { initDocuments } from '@quorate/shared/kubeadm-documents'
import { plural } from '@quorate/shared/plural'
import { commands } from '../host/commands.js'
import { backupPlace, keepFiles } from './backup/store.js'
import { kubeadmFailed } from './cluster/kubeadm-output.js'
import { requireText } from './cluster/stage-certificate.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { withRuntimeFolder } from './context/runtime-folder.js'
import { filesOf, readRequest, requestPlace, requireLeaf } from './signed-elsewhere/requests.js'

/** Files that kubeadm's `certs generate-csr` makes for one certificate, in the given folders. */
const madeFor = (folder: string, { name, path }: LeafCertificate) =>
  path === undefined
    ? { key: `${folder}/${name}`, csr: `${folder}/${name}.csr` }
    : { key: `${folder}/pki/${path}.key`, csr: `${folder}/pki/${path}.csr` }

/**
 * Makes a key for each certificate whose CA's key is elsewhere, and its request in kubeadm's form. The keys stay in the agent's own folder, for
 * root only, until a certificate arrives; only the requests are returned, one fact each. Earlier requests are returned again.
 */
const request: ChangeOperation<RequestCertificatesRequest>['run'] = async (asked, context) => {
  const place = requestPlace(context)
  const { host } = place
  const leaves = asked.names.map(requireLeaf)
  const known = await requestsNow(context, leaves)
  if (known !== undefined) return unchanged('the requests were made before', known)
  const written = leaves.flatMap((leaf) => [filesOf(place, leaf).key, filesOf(place, leaf).csr])
  await keepFiles(backupPlace(context), written)
  const touched: TouchedObject[] = []
  await withRuntimeFolder(host, context.header.operationId, async (folder) => {
    await generate(context, asked, folder)
    for (const leaf of leaves) requireAsAsked(await requireText(host, madeFor(folder, leaf).csr), leaf, asked)
    context.signal.throwIfAborted()
    for (const leaf of leaves) {
      const [from, to] = [madeFor(folder, leaf), filesOf(place, leaf)]
      // The key first: a request without its key would be signed for nothing.
      for (const part of ['key', 'csr'] as const) {
        const text = await requireText(host, from[part])
        await host.replace(to[part], Buffer.from(text), { mode: 0o600 })
        touched.push({ name: to[part], sha256Before: '', sha256After: sha256Hex(text) })
      }
    }
  })
  const facts = await requestsNow(context, leaves)
  return changed({
    summary: `made ${plural(leaves.length, 'key')} and the certificate requests for them`,
    touched,
    facts: facts ?? {},
  })
}

async function generate(
  { tools, signal }: ChangeContext,
  { clusterConfiguration, nodeName, advertiseAddress, bindPort }: RequestCertificatesRequest,
  folder: string,
): Promise<void> {
  const { host, criSocket } = tools
  const config = `${folder}/requests.yaml`
  const document = initDocuments({ clusterConfiguration, nodeName, advertiseAddress, bindPort, criSocket })
  await host.replace(config, Buffer.from(document), { mode: 0o600 })
  const { exitCode, stderr } = await host.run(commands.generateRequests(config, `${folder}/pki`, folder), signal)
  if (exitCode !== 0) throw kubeadmFailed('kubeadm certs generate-csr', exitCode, stderr)
}

function requireAsAsked(csr: string, leaf: LeafCertificate, asked: RequestCertificatesRequest): void {
  const problems = requestProblems(csr, leaf, asked)
  if (problems.length === 0) return
  const remedy = `On that node: \`kubeadm version\`, and compare apiServer.certSANs and etcd.local of kubeadm-config with the names above. Nothing was kept.`
  throw new QuorateError('CERTIFICATE_INVALID', `kubeadm's request for ${leaf.name}: ${problems.join('; ')}`, {
    remedy,
  })
}

/** Each request by its name; undefined if one is missing. */
async function requestsNow(
  context: Pick<ChangeContext, 'tools' | 'header'>,
  leaves: readonly LeafCertificate[],
): Promise<Readonly<Record<string, string>> | undefined> {
  const place = requestPlace(context)
  const read = await Promise.all(leaves.map(async (leaf) => [leaf.name, await readRequest(place, leaf)] as const))
  return read.some(([, csr]) => csr === undefined) ? undefined : (Object.fromEntries(read) as Record<string, string>)
}

export const requestCertificates = changeOperation<RequestCertificatesRequest>(request, {
  evidence: async ({ names }, context) => {
    const place = requestPlace(context)
    const made = await requestsNow(context, names.map(requireLeaf))
    if (made === undefined) return doneIf(false)
    // For an undo, should the run stop here.
    const files = names.map(requireLeaf).flatMap((leaf) => [filesOf(place, leaf).key, filesOf(place, leaf).csr])
    const hashes = await Promise.all(files.map(async (path) => [path, sha256Hex(await requireText(place.host, path))]))
    return doneIf(true, Object.fromEntries(hashes))
  },
})
