import { posix } from 'node:path'
import {
  commandWords,
  environmentFiles,
  flagAmong,
  type KubeletPlaces,
  kubeletPlaces,
  splitUnitFiles,
  usualKubelet,
} from '@quorate/shared/kubelet-command'
import { commands } from './commands.js'
import type { Host } from './host.js'
import { readUnit } from './unit-state.js'

/** As systemd starts it, and where its kubeconfig is set if that is not kubeadm's. */
export interface NodeKubelet extends KubeletPlaces {
  /** Unit file, drop-in or EnvironmentFile; empty if nothing sets another one. */
  readonly setIn: string
}

/** Kubeconfigs that the agent may rewrite for a kubelet: where packages, kubeadm and administrators put them, never a file that a user owns. */
const mayBeKubeconfig = (path: string): boolean =>
  /^(\/etc|\/var\/lib|\/opt|\/usr\/local)(\/[A-Za-z0-9._@+-]+)+$/.test(path) && !/\/\.{1,2}(\/|$)/.test(path)

/**
 * Where this node's kubelet has its files: from the command line of the running process, else from its unit with drop-ins and EnvironmentFiles.
 * A path that is not a kubelet's is ignored; kubeadm's own applies then.
 */
export async function readKubelet(host: Host, signal?: AbortSignal): Promise<NodeKubelet> {
  const words = (await runningWords(host, signal)) ?? (await unitWords(host, signal)).words
  const { kubeconfig, ...places } = kubeletPlaces(words)
  if (kubeconfig === usualKubelet.kubeconfig || !mayBeKubeconfig(kubeconfig))
    return { ...places, kubeconfig: usualKubelet.kubeconfig, setIn: '' }
  const { namedIn } = await unitWords(host, signal)
  return { ...places, kubeconfig, setIn: namedIn('--kubeconfig') }
}

/** Undefined if it does not run. */
async function runningWords(host: Host, signal?: AbortSignal): Promise<readonly string[] | undefined> {
  const { mainPid } = await readUnit(host, 'kubelet', signal).catch(() => ({ mainPid: 0 }))
  if (mainPid === 0) return undefined
  const file = await host.read(`/proc/${mainPid}/cmdline`).catch(() => undefined)
  const words = file?.bytes.toString('utf8').split('\0') ?? []
  // The PID may belong to another program by now.
  return posix.basename(words[0] ?? '') === 'kubelet' ? words : undefined
}

async function unitWords(host: Host, signal?: AbortSignal) {
  const { exitCode, stdout } = await host
    .run(commands.unitFiles('kubelet'), signal)
    .catch(() => ({ exitCode: 1, stdout: '' }))
  const files = exitCode === 0 ? splitUnitFiles(stdout) : []
  const texts = new Map<string, string>()
  for (const path of environmentFiles(files)) {
    const file = await host.read(path, { followLinks: true }).catch(() => undefined)
    if (file !== undefined) texts.set(path, file.bytes.toString('utf8'))
  }
  const all = [...files.map(({ path, text }) => [path, text] as const), ...texts]
  return {
    words: commandWords(files, (path) => texts.get(path)),
    /** The last file in which a line sets that flag to a value other than kubeadm's. */
    namedIn: (flag: string): string => all.filter(([, text]) => setsAnother(text, flag)).at(-1)?.[0] ?? '',
  }
}

const setsAnother = (text: string, flag: string): boolean =>
  text
    .split('\n')
    .filter((line) => !/^\s*[#;]/.test(line))
    .some((line) => {
      const value = flagAmong(line.replace(/["']/g, ' ').split(/\s+|(?<=[A-Z_]=)/), flag.slice(2))
      return value !== undefined && value !== usualKubelet.kubeconfig
    })
