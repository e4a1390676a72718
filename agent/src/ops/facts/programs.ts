import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { commands } from '../../host/commands.js'
import type { Command, Host } from '../../host/host.js'
import { kubeadmConfigApi } from './kubeadm-config-api.js'

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

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

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

const notThere = { exitCode: 1, stdout: '', stderr: '' }

/** What a program printed of itself, by the file that it was asked of. */
const printedBy = new Map<string, string>()

/**
 * Asks a program for its version, once for each file that it ever was: a gate reads facts several times a second, and starting
 * programs of 60 MB each time would take a whole core from the API server. Empty when it is not there.
 */
async function versionPrinted(host: Host, command: Command, signal: AbortSignal): Promise<string> {
  const key = await identityOf(host, command.file)
  const known = key === undefined ? undefined : printedBy.get(key)
  if (known !== undefined) return known
  // keepalived prints its version on the error stream.
  const { exitCode, stdout, stderr } = await host.run(command, signal).catch(() => notThere)
  const text = exitCode === 0 ? `${stdout}${stderr}`.trim() : ''
  if (key !== undefined && text !== '') printedBy.set(key, text)
  return text
}

/** `v1.37.2`, `Kubernetes v1.37.2`. */
const versionIn = (text: string): string => /v\d+\.\d+\.\d+\S*/.exec(text)?.[0] ?? ''

/** Of the first program of that name in the order of the folders; undefined when there is none. */
async function identityOf(host: Host, program: string): Promise<string | undefined> {
  for (const folder of programFolders) {
    const identity = await host.identity(`${folder}/${program}`).catch(() => undefined)
    if (identity !== undefined) return identity
  }
  return undefined
}
