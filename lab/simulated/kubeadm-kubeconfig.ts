import { issue, newKey } from './certificates.js'
import { hostPort } from './host-port.js'
import { pkiOf, readConfig } from './kubeadm-config.js'
import type { Kubeadm } from './kubeadm-run.js'
import { embeddedKubeconfig } from './kubeconfigs.js'

const hour = 3_600_000

/** `kubeadm kubeconfig user`: prints a kubeconfig with a new client certificate; its server is the controlPlaneEndpoint where there is one. */
export async function kubeconfigUser(run: Kubeadm, config: string, args: readonly string[]): Promise<void> {
  const { InitConfiguration: init = {}, ClusterConfiguration: cluster } = readConfig(run, config)
  const value = (flag: string): string => {
    const at = args.indexOf(flag)
    return at < 0 ? '' : (args[at + 1] ?? '')
  }
  const commonName = value('--client-name')
  if (commonName === '') throw new Error('required flag(s) "client-name" not set')
  const { node } = run.machine
  const folder = pkiOf(cluster ?? {})
  const [cert, key] = [node.read(`${folder}/ca.crt`), node.read(`${folder}/ca.key`)]
  if (cert === undefined || key === undefined)
    throw new Error(
      `couldn't create a kubeconfig; the CA files couldn't be loaded: ${folder}/ca: no such file or directory`,
    )
  const { advertiseAddress = node.address, bindPort = 6443 } = init.localAPIEndpoint ?? {}
  const server = `https://${cluster?.controlPlaneEndpoint ?? hostPort(advertiseAddress, bindPort)}`
  const hours = Number(/^(\d+)h/.exec(value('--validity-period'))?.[1] ?? 8760)
  const wish = { commonName, usage: 'client' as const, notAfter: new Date(Date.now() + hours * hour) }
  run.print(embeddedKubeconfig(server, cert, commonName, issue(wish, await newKey(), { cert, key })).trimEnd())
}
