import { QuorateError } from '@quorate/shared/errors'
import { parseVersion } from '@quorate/shared/kubernetes-version'
import { commands } from '../../host/commands.js'
import type { Host } from '../../host/host.js'
import { lastLines } from '../context/run-unit.js'

interface Wanted {
  /** `v1.37.2`: without it kubeadm would look up a version on the internet. */
  readonly kubernetesVersion: string
  /** Empty: kubeadm's default. */
  readonly imageRepository: string
}

/**
 * The images that this node's kubeadm needs for a control plane of that release, as it prints them: `registry.k8s.io/pause:3.10`.
 * INVALID_REQUEST for an invalid release or repository, COMMAND_FAILED with kubeadm's message.
 */
export async function controlPlaneImages(
  host: Host,
  { kubernetesVersion, imageRepository }: Wanted,
  signal: AbortSignal,
): Promise<readonly string[]> {
  parseVersion(kubernetesVersion)
  if (!/^([a-z0-9][a-zA-Z0-9._:/-]*)?$/.test(imageRepository))
    throw new QuorateError('INVALID_REQUEST', `not an image repository: ${JSON.stringify(imageRepository)}`)
  const { exitCode, stdout, stderr } = await host.run(commands.listImages(kubernetesVersion, imageRepository), signal)
  if (exitCode !== 0)
    throw new QuorateError('COMMAND_FAILED', `kubeadm config images list ended with ${exitCode}: ${lastLines(stderr)}`)
  return stdout.split('\n').flatMap((line) => (/^[a-z0-9]\S*:\S+$/.test(line.trim()) ? [line.trim()] : []))
}
