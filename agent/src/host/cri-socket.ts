import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { filePlace } from '@quorate/shared/text-place'
import { readYaml, valueAt } from '@quorate/shared/yaml-text'
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

/** KubeletConfigurations that name the runtime, from 1.34 on; kubeadm writes the second. */
const configs = ['/var/lib/kubelet/config.yaml', '/var/lib/kubelet/instance-config.yaml']
/** Files with the kubelet's flags, which take precedence. kubeadm used the first. */
const flags = ['/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet', '/etc/sysconfig/kubelet']
/** One line is one search: what ends a line for `^` must not be within it. */
const flag = /^[^#\n\r\u2028\u2029]*--container-runtime-endpoint[= ]["']?([^\s"']+)/gm

/** A path from any form that the kubelet accepts; undefined if it is none. */
const pathIn = (endpoint: string): string | undefined =>
  /^(?:unix:(?:\/\/)?)?(\/[A-Za-z0-9._/-]+)$/.exec(endpoint.trim())?.[1]

function configured(text: string, path: string): string {
  try {
    const endpoint = valueAt(readYaml(text, 'CONFIG_MAP_INVALID', filePlace(path)).value, ['containerRuntimeEndpoint'])
    return typeof endpoint === 'string' ? endpoint : ''
  } catch {
    // The facts of the node report what is wrong with it.
    return ''
  }
}

/** What flags in a text name as the runtime. */
export const runtimeFlags = (text: string): string[] => [...text.matchAll(flag)].map(([, endpoint = '']) => endpoint)

/** Far more than a kubelet's configuration; on a machine with more sockets than the list of /proc has here, one that exists will do. */
const mostBytes = 4 * 2 ** 20

/** A regular file up to there; empty where it cannot be read. O_NONBLOCK: a FIFO must not hang the agent. */
function beginning(real: string): string {
  let file: number | undefined
  try {
    file = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK)
    if (!fstatSync(file).isFile()) return ''
    const bytes = Buffer.allocUnsafe(mostBytes)
    let taken = 0
    // Files of /proc are handed out in pieces.
    for (let read = -1; read !== 0 && taken < mostBytes; taken += read)
      read = readSync(file, bytes, taken, mostBytes - taken, null)
    return bytes.toString('utf8', 0, taken)
  } catch {
    return ''
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/**
 * Socket of the container runtime that this node uses: the one in its kubelet's configuration, else one with a listener, else one that
 * exists, else containerd's. Searched each time: a runtime may be installed after the agent.
 */
export function findCriSocket(host: Pick<Host, 'realPath'>): string {
  const text = (path: string): string => beginning(host.realPath(path))
  const told = [
    ...configs.map((path) => configured(text(path), path)),
    ...flags.flatMap((path) => runtimeFlags(text(path))),
  ]
  const byKubelet = told.flatMap((endpoint) => pathIn(endpoint) ?? []).at(-1)
  if (byKubelet !== undefined) return byKubelet
  const listening = text('/proc/net/unix')
  const heard = known.filter((path) => listening.includes(` ${path}\n`))
  return heard[0] ?? known.find((path) => existsSync(host.realPath(path))) ?? fallback
}
