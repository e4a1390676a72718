import { certsRenewAll } from './kubeadm-certs.js'
import { readConfig } from './kubeadm-config.js'
import { initPhaseCerts, initPhaseUploadCerts } from './kubeadm-init.js'
import { join, joinMarkControlPlane, joinPreflight } from './kubeadm-join.js'
import { kubeconfigUser } from './kubeadm-kubeconfig.js'
import { certsGenerateCsr } from './kubeadm-leaves.js'
import { initPhaseControlPlane, initPhaseEtcd } from './kubeadm-manifests.js'
import { reset } from './kubeadm-reset.js'
import type { Kubeadm } from './kubeadm-run.js'
import { tokenCreate } from './kubeadm-token.js'
import { upgradeApply, upgradeNode } from './kubeadm-upgrade.js'
import { controlPlaneImages, releaseOf } from './versions.js'

type SubCommand = (run: Kubeadm, config: string, args: readonly string[]) => Promise<void>

const subCommands: readonly (readonly [words: string, run: SubCommand])[] = [
  ['init phase certs apiserver', initPhaseCerts('apiserver')],
  ['init phase certs etcd-server', initPhaseCerts('etcd-server')],
  ['init phase certs etcd-peer', initPhaseCerts('etcd-peer')],
  ['init phase upload-certs', initPhaseUploadCerts],
  ['init phase control-plane all', initPhaseControlPlane],
  ['init phase etcd local', initPhaseEtcd],
  ['join phase preflight', joinPreflight],
  ['join phase control-plane-join mark-control-plane', joinMarkControlPlane],
  ['join', join],
  ['reset', reset],
  ['config validate', configValidate],
  ['kubeconfig user', kubeconfigUser],
  ['token create', tokenCreate],
  ['certs renew all', certsRenewAll],
  ['certs generate-csr', certsGenerateCsr],
  ['upgrade node', upgradeNode],
  ['config images list', configImagesList],
  ['config images pull', configImagesPull],
  ['version', async ({ site, machine, print }) => print(machine.node.faults.programVersion ?? site.release.version)],
]

/** Validates the apiVersions only; a file without kubeadm documents is an error. */
async function configValidate(run: Kubeadm, config: string): Promise<void> {
  if (Object.keys(readConfig(run, config)).length === 0) throw new Error(`no kubeadm configuration in "${config}"`)
  run.print('ok')
}

async function configImagesPull({ site, machine, print }: Kubeadm): Promise<void> {
  for (const image of controlPlaneImages(site.release)) {
    machine.runtime.images.add(image)
    print(`[config/images] Pulled ${image}`)
  }
}

/** For the release and the repository of its options, by default its own. */
async function configImagesList({ site, print }: Kubeadm, _config: string, args: readonly string[]): Promise<void> {
  const told = (flag: string): string | undefined =>
    args.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3)
  const version = told('kubernetes-version')
  const release = version === undefined ? site.release : releaseOf(version)
  controlPlaneImages(release, told('image-repository')).forEach(print)
}

/** Runs a sub-command; the exit code. kubeadm prints what it does on standard output and why it failed on standard error. */
export async function runKubeadm(run: Kubeadm, args: readonly string[]): Promise<number> {
  const words = args.slice(0, args.findIndex((word) => word.startsWith('-')) >>> 0).join(' ')
  const [, version] = /^upgrade apply (v\S+)$/.exec(words) ?? []
  const upgrade: SubCommand | undefined = version === undefined ? undefined : (asked) => upgradeApply(asked, version)
  const found = upgrade ?? subCommands.find(([name]) => words === name)?.[1]
  if (found === undefined) {
    run.complain(`unknown command "${words}" for "kubeadm"`)
    return 1
  }
  if (found !== certsGenerateCsr && args.includes('--cert-dir') && args.includes('--config')) {
    run.complain("can not mix '--config' with arguments [cert-dir]")
    return 3
  }
  const at = args.indexOf('--config')
  try {
    await found(run, at < 0 ? '' : (args[at + 1] ?? ''), args)
    return 0
  } catch (error) {
    run.complain(error instanceof Error ? error.message : String(error))
    run.complain('To see the stack trace of this error execute with --v=5 or higher')
    return 1
  }
}
