import { httpsUrl } from './host-port.js'
import { etcdDataOf, pkiOf, storedConfiguration } from './kubeadm-config.js'
import type { Kubeadm } from './kubeadm-run.js'

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** kubeadm reset --force: leaves etcd if it can, then clears the node. It does not touch CNI, iptables or ~/.kube, nor the Node object. */
export async function reset(run: Kubeadm, _config: string, args: readonly string[]): Promise<void> {
  const {
    machine: { node, runtime, units },
    site,
  } = run
  run.complain('W preflight: could not obtain a configuration from the cluster, falling back to defaults')
  run.print('[preflight] Running pre-flight checks')
  const external = site.externalEtcd !== undefined
  // As if the cluster could not be read: the default folder of certificates, etcd's folder from its manifest (removeetcdmember.go, getEtcdDataDir).
  const [pki, etcdData] = [pkiOf({}), etcdDataOf(storedConfiguration(site))]
  const skipped = args.includes('--skip-phases=remove-etcd-member')
  if (external && !skipped) {
    run.print('[reset] No etcd config found. Assuming external etcd')
    run.print('[reset] Please, manually reset etcd to prevent further issues')
  } else if (!skipped) run.print(`[reset] Deleted contents of the etcd data directory: ${etcdData}`)
  const own = external ? undefined : site.etcd.members.find(({ peerUrl }) => peerUrl === httpsUrl(node.address, 2380))
  if (own !== undefined && site.etcd.members.length > 1) {
    for (let tries = 0; ; tries++) {
      try {
        site.etcd.remove(own.id)
        break
      } catch (error) {
        if (tries >= 10) {
          run.complain(
            `[reset] Failed to remove etcd member: ${error instanceof Error ? error.message : String(error)}, please manually remove this etcd member using etcdctl`,
          )
          break
        }
        await wait(200)
      }
    }
  }
  run.print('[reset] Stopping the kubelet service')
  await units.stop('kubelet')
  run.print('[reset] Unmounting mounted directories in "/var/lib/kubelet"')
  await runtime.stopAll()
  runtime.containers = []
  run.print(`[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet ${pki}]`)
  const folders = ['/etc/kubernetes/manifests', '/var/lib/kubelet', pki]
  for (const folder of external ? folders : [...folders, etcdData]) {
    for (const entry of node.list(folder)) node.remove(`${folder}/${entry}`)
  }
  const files = ['admin', 'super-admin', 'kubelet', 'bootstrap-kubelet', 'controller-manager', 'scheduler'].map(
    (name) => `/etc/kubernetes/${name}.conf`,
  )
  run.print(`[reset] Deleting files: [${files.join(' ')}]`)
  for (const file of files) node.remove(file)
  run.print('')
  run.print('The reset process does not perform cleanup of CNI plugin configuration,')
  run.print('network filtering rules and kubeconfig files.')
}
