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

/** The installed programs of the conversion, with their own answers. crictl is searched: some kubeadm require it, the agent never runs it. */
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
    // A program that hangs must not delay the answers of the others.
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
