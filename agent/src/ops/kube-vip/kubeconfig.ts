import { QuorateError } from '@quorate/shared/errors'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { kubeVipConfPath, kubeVipUser } from '@quorate/shared/kube-vip-manifest'
import { type KubeconfigView, pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { isSignedBy, keyMatches, readCertificate } from '@quorate/shared/pki'
import { filePlace } from '@quorate/shared/text-place'
import { commands } from '../../host/commands.js'
import { readLocalApiServer } from '../../host/local-api-server.js'
import { editFile } from '../backup/edit-file.js'
import { initDocument } from '../cluster/control-plane.js'
import { requireConfigMap } from '../cluster/edit-config-map.js'
import { kubeadmFailed } from '../cluster/kubeadm-output.js'
import { requireText } from '../cluster/stage-certificate.js'
import type { ChangeContext, LookContext } from '../context/operation.js'
import { pkiOn } from '../context/paths.js'
import { withRuntimeFolder } from '../context/runtime-folder.js'

/**
 * Ten years, like the cluster's CA. `kubeadm certs renew` does not know this file, and an expired certificate would take the endpoint
 * down. It may only hold one Lease; deleting its RoleBinding revokes it.
 */
const lifeHours = 87_600
const shortestLifeMs = 30 * 86_400_000
const place = filePlace(kubeVipConfPath)

/** Writes kube-vip's kubeconfig unless a valid one exists: signed by this cluster's CA on this node, with this node's API server. */
export async function writeKubeconfig(context: ChangeContext): Promise<readonly TouchedObject[]> {
  if (await isKubeconfigGood(context)) return []
  const text = await issueKubeconfig(context)
  const { touched } = await editFile(context, {
    path: kubeVipConfPath,
    edit: () => text,
    mode: 0o600,
    done: `${kubeVipConfPath} written`,
    alreadySo: `${kubeVipConfPath} needs no change`,
  })
  return touched
}

/** Whether the existing kubeconfig works, and will for a month. */
export async function isKubeconfigGood({ tools: { host } }: Pick<LookContext, 'tools'>): Promise<boolean> {
  const file = await host.read(kubeVipConfPath)
  if (file === undefined || file.mode !== 0o600) return false
  const [{ url }, caPem] = await Promise.all([readLocalApiServer(host), requireText(host, await pkiOn(host, 'ca.crt'))])
  try {
    return isGood(readKubeconfig(file.bytes.toString('utf8'), place), url, caPem)
  } catch {
    return false
  }
}

function isGood({ server, clientCertificatePem, clientKeyPem }: KubeconfigView, url: string, caPem: string): boolean {
  if (server !== url || clientCertificatePem === undefined || clientKeyPem === undefined) return false
  const { commonName, notAfter } = readCertificate(clientCertificatePem)
  return (
    commonName === kubeVipUser &&
    isSignedBy(clientCertificatePem, caPem) &&
    keyMatches(clientCertificatePem, clientKeyPem) &&
    notAfter.getTime() - Date.now() > shortestLifeMs
  )
}

/** kubeadm writes the controlPlaneEndpoint as the server: kube-vip would then depend on the address that it provides. */
async function issueKubeconfig({ tools, header, signal }: ChangeContext): Promise<string> {
  const { host } = tools
  const { text } = await requireConfigMap(await tools.kube(), 'configmap/kube-system/kubeadm-config', signal)
  const { url } = await readLocalApiServer(host)
  const made = await withRuntimeFolder(host, header.operationId, async (folder) => {
    const config = `${folder}/kube-vip.yaml`
    await host.replace(config, Buffer.from(await initDocument(tools, { clusterConfiguration: text })), { mode: 0o600 })
    const { exitCode, stdout, stderr } = await host.run(commands.makeKubeconfig(config, kubeVipUser, lifeHours), signal)
    if (exitCode !== 0) throw kubeadmFailed('kubeadm kubeconfig user', exitCode, stderr)
    return stdout
  })
  const kubeconfig = pointKubeconfigAt(made, url, place)
  if (isGood(readKubeconfig(kubeconfig, place), url, await requireText(host, await pkiOn(host, 'ca.crt'))))
    return kubeconfig
  throw new QuorateError('CERTIFICATE_INVALID', 'the kubeconfig that kubeadm made for kube-vip is not usable', {
    where: kubeVipConfPath,
    remedy: `Compare ${await pkiOn(host, 'ca.crt')} and ca.key beside it with those of the first control plane.`,
  })
}
