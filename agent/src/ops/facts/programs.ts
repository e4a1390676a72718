import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { commands } from '../../host/commands.js'
import type { Host } from '../../host/host.js'
import { kubeadmConfigApi } from './kubeadm-config-api.js'
import { identityOf, versionPrinted } from './version-printed.js'

type ProgramFacts = Pick<
  NodeFacts,
  | 'kubeadmVersion'
  | 'kubeadmConfigApi'
  | 'kubeletVersion'
  | 'kubectlVersion'
  | 'haproxyInstalled'
  | 'keepalivedInstalled'
  | 'crictlInstalled'
>

/** Which programs of the conversion are there, asked of themselves. crictl is looked for: some kubeadm want it, we never run it. */
export async function readPrograms(host: Host, signal: AbortSignal): Promise<ProgramFacts> {
  const [kubeadm, kubelet, kubectl, haproxy, keepalived, crictl] = await Promise.all([
    versionPrinted(host, commands.kubeadmVersion(), signal),
    versionPrinted(host, commands.kubeletVersion(), signal),
    versionPrinted(host, commands.kubectlVersion(), signal),
    versionPrinted(host, commands.haproxyVersion(), signal),
    versionPrinted(host, commands.keepalivedVersion(), signal),
    identityOf(host, 'crictl'),
  ])
  const kubeadmVersion = versionIn(kubeadm)
  return {
    kubeadmVersion,
    // One that hangs must not hold up what the others said of themselves.
    kubeadmConfigApi: await kubeadmConfigApi(host, kubeadmVersion, signal).catch(() => ''),
    kubeletVersion: versionIn(kubelet),
    kubectlVersion: versionIn(/"gitVersion":\s*"([^"]*)"/.exec(kubectl)?.[1] ?? ''),
    haproxyInstalled: haproxy !== '',
    keepalivedInstalled: keepalived !== '',
    crictlInstalled: crictl !== undefined,
  }
}

/** `v1.37.2`, `Kubernetes v1.37.2`. */
const versionIn = (text: string): string => /v\d+\.\d+\.\d+\S*/.exec(text)?.[0] ?? ''
