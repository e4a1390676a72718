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

/** As systemd starts it, and where its kubeconfig is set when that is not kubeadm's. */
export interface NodeKubelet extends KubeletPlaces {
  /** Unit file, drop-in or EnvironmentFile; empty where nothing sets another one. */
  readonly setIn: string
}

/** Kubeconfigs that the agent may rewrite for a kubelet: where its packages, kubeadm and people put them, never what a user owns. */
const mayBeKubeconfig = (path: string): boolean =>
  /^(\/etc|\/var\/lib|\/opt|\/usr\/local)(\/[A-Za-z0-9._@+-]+)+$/.test(path) && !/\/\.{1,2}(\/|$)/.test(path)

/**
 * Where this node's kubelet has its files: by the command line of the process that runs, else by its unit with drop-ins and EnvironmentFiles.
 * A path that is none of a kubelet's is not believed: kubeadm's own counts then.
 */
export async function readKubelet(host: Host, signal?: AbortSignal): Promise<NodeKubelet> {
  const words = (await runningWords(host, signal)) ?? (await unitWords(host, signal)).words
  const { kubeconfig, ...places } = kubeletPlaces(words)
  if (kubeconfig === usualKubelet.kubeconfig || !mayBeKubeconfig(kubeconfig))
    return { ...places, kubeconfig: usualKubelet.kubeconfig, setIn: '' }
  const { namedIn } = await unitWords(host, signal)
  return { ...places, kubeconfig, setIn: namedIn('--kubeconfig') }
}

/** Undefined where it does not run. */
async function runningWords(host: Host, signal?: AbortSignal): Promise<readonly string[] | undefined> {
  const { mainPid } = await readUnit(host, 'kubelet', signal).catch(() => ({ mainPid: 0 }))
  if (mainPid === 0) return undefined
  const file = await host.read(`/proc/${mainPid}/cmdline`).catch(() => undefined)
  const words = file?.bytes.toString('utf8').split('\0') ?? []
  // The number may be another program's by now.
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
    /** The last file in which a line sets that flag to something else than kubeadm does. */
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
