import { existsSync, readFileSync } from 'node:fs'
import type { Host } from './host.js'

/** Where kubeadm looks for a runtime, in its order (cmd/kubeadm/app/constants: DefaultCRISocket and the known ones). */
const known = [
  '/run/containerd/containerd.sock',
  '/var/run/crio/crio.sock',
  '/run/crio/crio.sock',
  '/var/run/cri-dockerd.sock',
  '/run/cri-dockerd.sock',
]
const fallback = '/run/containerd/containerd.sock'

/** Files that tell the kubelet its runtime, the one that counts last. kubeadm keeps it in the first, from 1.34 on in the last. */
const told = [
  '/var/lib/kubelet/config.yaml',
  '/var/lib/kubelet/instance-config.yaml',
  '/var/lib/kubelet/kubeadm-flags.env',
  '/etc/default/kubelet',
  '/etc/sysconfig/kubelet',
]
const endpoint =
  /^[^#\n]*(?:--container-runtime-endpoint[= ]|^containerRuntimeEndpoint:\s*)["']?(?:unix:\/\/)?(\/[A-Za-z0-9._/-]+)/gm

/**
 * Socket of the container runtime that this node uses: the one its kubelet was told, else one that somebody listens at, else one that is
 * there, else containerd's. Looked for each time: a runtime may be installed after the agent.
 */
export function findCriSocket(host: Pick<Host, 'realPath'>): string {
  const text = (path: string): string => {
    try {
      return readFileSync(host.realPath(path), 'utf8')
    } catch {
      return ''
    }
  }
  const byKubelet = told.flatMap((path) => [...text(path).matchAll(endpoint)].map(([, socket = '']) => socket)).at(-1)
  if (byKubelet !== undefined) return byKubelet
  const listening = text('/proc/net/unix')
  const heard = known.filter((path) => listening.includes(` ${path}\n`))
  return heard[0] ?? known.find((path) => existsSync(host.realPath(path))) ?? fallback
}
