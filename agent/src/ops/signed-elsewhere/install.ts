import { QuorateError } from '@quorate/shared/errors'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import { signedKubeconfig } from '@quorate/shared/signed-kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import { kubernetesFolder, pkiPath } from '../context/paths.js'
import { exists } from '../facts/leftovers.js'
import type { Signed } from './requests.js'

/** kubeadm's preflight of a join rejects only this file; it expects the other certificates if a CA's key is missing. */
export const kubeletConfIsThere = 'FileAvailable--etc-kubernetes-kubelet.conf'

const kubeletConf = 'kubelet.conf'
const rotated = `${usualKubelet.certDir}/kubelet-client-current.pem`

/**
 * Installs certificates that were signed elsewhere where kubeadm's join looks for them: without a CA key it issues none, and uses existing ones
 * (app/phases/certs, CreateTree; app/phases/kubeconfig, CreateJoinControlPlaneKubeConfigFiles; 1.30 and 1.37). A reset removes them again.
 */
export async function installSigned(host: Host, signed: readonly Signed[]): Promise<void> {
  const folders = await readFolders(host)
  for (const one of signed) {
    const { leaf, key, certPem, caPem } = one
    if (leaf.path !== undefined) {
      await host.replace(pkiPath(folders, `${leaf.path}.key`), Buffer.from(key), { mode: 0o600 })
      await host.replace(pkiPath(folders, `${leaf.path}.crt`), Buffer.from(certPem), { mode: 0o644 })
    } else if (leaf.name === kubeletConf) await installKubelet(host, one)
    else await writeKubeconfig(host, leaf.name, signedKubeconfig(key, { caPem, credentials: { certPem } }))
  }
}

const writeKubeconfig = (host: Host, name: string, text: string): Promise<void> =>
  host.replace(`${kubernetesFolder}/${name}`, Buffer.from(text), { mode: 0o600 })

/**
 * As a kubelet stores it after its bootstrap: a dated file and an absolute link to it (client-go, util/certificate, fileStore). The kubelet would take a certificate inside
 * kubelet.conf for a bootstrap certificate, and at once request another one that no CA signs.
 */
async function installKubelet(host: Host, { key, certPem, caPem }: Signed): Promise<void> {
  const { clientKeyPem } = readKubeconfig(key, filePlace(`${kubernetesFolder}/${kubeletConf}`))
  if (clientKeyPem === undefined)
    throw new QuorateError('CERTIFICATE_INVALID', 'the kubeconfig that kubeadm made for the kubelet has no key')
  const stamp = new Date().toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '-')
  const dated = `${usualKubelet.certDir}/kubelet-client-${stamp}.pem`
  await host.replace(dated, Buffer.from(`${certPem.trimEnd()}\n${clientKeyPem}`), { mode: 0o600 })
  if (await exists(host, rotated)) await host.remove(rotated)
  await host.makeLink(rotated, dated, { uid: 0, gid: 0 })
  await writeKubeconfig(host, kubeletConf, signedKubeconfig(key, { caPem, credentials: { path: rotated } }))
}
