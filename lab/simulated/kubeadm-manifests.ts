import { randomBytes } from 'node:crypto'
import { httpsUrl } from './host-port.js'
import { readConfig } from './kubeadm-config.js'
import { type ManifestContext, writeManifest, writeManifests } from './kubeadm-join.js'
import { type Kubeadm, PhaseError } from './kubeadm-run.js'
import { atLeast } from './version-order.js'

/**
 * Where a dry run writes: since 1.32 the folder that the variable names (constants.GetDryRunDir), before that a new folder below its `tmp`
 * (CreateTempDirForKubeadm). Seen with 1.28.15 and 1.37.2.
 */
function dryRunFolder({ env = {}, site }: Kubeadm): string {
  const named = env['KUBEADM_INIT_DRYRUN_DIR'] ?? ''
  if (named !== '' && atLeast(site.release.version, '1.32')) return named
  return `${named === '' ? '/etc/kubernetes' : named}/tmp/kubeadm-init-dryrun${randomBytes(4).toString('hex')}`
}

function contextOf(
  run: Kubeadm,
  config: string,
  { args, phase }: { args: readonly string[]; phase: string },
): ManifestContext {
  const { InitConfiguration: init = {}, ClusterConfiguration: cluster } = readConfig(run, config)
  if (cluster === undefined) throw new PhaseError(phase, 'no ClusterConfiguration in the configuration file')
  const { node } = run.machine
  const { advertiseAddress: address = node.defaultAddress, bindPort = 6443 } = init.localAPIEndpoint ?? {}
  const nodeName = init.nodeRegistration?.name ?? node.hostname
  const context = { cluster, nodeName, address, bindPort, patches: init.patches?.directory }
  return args.includes('--dry-run') ? { ...context, folder: dryRunFolder(run) } : context
}

/** `kubeadm init phase control-plane all`. */
export async function initPhaseControlPlane(run: Kubeadm, config: string, args: readonly string[]): Promise<void> {
  writeManifests(run, contextOf(run, config, { args, phase: 'control-plane/all' }))
}

/** `kubeadm init phase etcd local`: a single member. With an external etcd it writes nothing. */
export async function initPhaseEtcd(run: Kubeadm, config: string, args: readonly string[]): Promise<void> {
  const context = contextOf(run, config, { args, phase: 'etcd/local' })
  if (context.cluster.etcd?.external !== undefined) return
  const { folder = '/etc/kubernetes/manifests', nodeName, address } = context
  run.print(`[etcd] Creating static Pod manifest for local etcd in "${folder}"`)
  writeManifest(run, 'etcd', context, [`${nodeName}=${httpsUrl(address, 2380)}`])
}
