/** A unit file or drop-in, as `systemctl cat` prints it. */
export interface UnitFile {
  readonly path: string
  readonly text: string
}

/** Where a kubelet reads and keeps what it has, by its flags. */
export interface KubeletPlaces {
  readonly kubeconfig: string
  /** `--config`. */
  readonly config: string
  /** `--cert-dir`: its certificates. */
  readonly certDir: string
  /** `--root-dir`: volumes and pods. */
  readonly rootDir: string
}

/** By kubeadm's drop-in and the kubelet's defaults (cmd/kubelet/app/options/options.go). */
export const usualKubelet: KubeletPlaces = {
  kubeconfig: '/etc/kubernetes/kubelet.conf',
  config: '/var/lib/kubelet/config.yaml',
  certDir: '/var/lib/kubelet/pki',
  rootDir: '/var/lib/kubelet',
}

/** The files of `systemctl cat`, each after a comment with its path. */
export function splitUnitFiles(printed: string): UnitFile[] {
  const parts = printed.split(/^# (\/\S+)$/m).slice(1)
  return parts.flatMap((path, index) => (index % 2 === 0 ? [{ path, text: parts[index + 1] ?? '' }] : []))
}

interface Settings {
  exec: string
  readonly environment: Map<string, string>
}

/**
 * The words with which systemd starts a unit (systemd.service(5), "Command lines"; systemd.exec(5), EnvironmentFile): drop-ins after the unit,
 * an empty assignment forgets what was before, `$NAME` alone becomes the words of its value, `${NAME}` its value.
 */
export function commandWords(
  files: readonly UnitFile[],
  environmentFile: (path: string) => string | undefined,
): string[] {
  const settings: Settings = { exec: '', environment: new Map() }
  const named: string[] = []
  for (const [key, value] of files.flatMap(({ text }) => serviceLines(text))) {
    if (key === 'ExecStart') settings.exec = value.replace(/^[-@:+!|]+/, '')
    if (key === 'EnvironmentFile') value === '' ? named.splice(0) : named.push(value.replace(/^-/, ''))
    if (key === 'Environment' && value === '') settings.environment.clear()
    if (key === 'Environment') for (const one of words(value)) put(settings.environment, one)
  }
  // Files are read when the unit starts: what they say counts more than Environment=.
  for (const path of countedOnce(named))
    for (const line of (environmentFile(path) ?? '').split('\n'))
      if (!/^\s*([#;]|$)/.test(line)) put(settings.environment, unquoted(line.trim()))
  return expanded(words(settings.exec), settings.environment)
}

/** Files that a unit reads its environment from. */
export const environmentFiles = (files: readonly UnitFile[]): string[] =>
  countedOnce(
    files
      .flatMap(({ text }) => serviceLines(text))
      .flatMap(([key, value]) => (key === 'EnvironmentFile' && value !== '' ? [value.replace(/^-/, '')] : [])),
  )

/** kubeadm's drop-in names two. A unit may name thousands, and each is a file to read. */
const mostEnvironmentFiles = 8

/** Paths of EnvironmentFile= in their order, each where it counts: the last time that it is named. */
export const countedOnce = (paths: readonly string[]): string[] =>
  [...new Set([...paths].reverse())].slice(0, mostEnvironmentFiles).reverse()

/** `[Service]` or `Key=value`: a unit of thousands of other lines costs one search. Only spaces and tabs indent: a carriage return begins a line. */
const unitLine = /^[ \t]*(?:\[([^\]\n]+)\]|([A-Za-z]+)[ \t]*=(.*))/gm

/** `Key=value` lines of the section [Service]; a line goes on after a backslash. */
function serviceLines(text: string): [string, string][] {
  let section = ''
  return [...text.replace(/\\\n/g, ' ').matchAll(unitLine)].flatMap(
    ([, begun, key, value = '']): [string, string][] => {
      section = begun ?? section
      return section === 'Service' && key !== undefined ? [[key, value.trim()]] : []
    },
  )
}

/** Words as systemd splits them: quotes hold spaces together. */
const words = (text: string): string[] =>
  (text.match(/(?:"[^"]*"|'[^']*'|[^\s"']+)+/g) ?? []).map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'))

/** `NAME="value"` of an EnvironmentFile. */
const unquoted = (line: string): string => line.replace(/^([A-Za-z_][A-Za-z0-9_]*)=(["'])(.*)\2$/, '$1=$3')

function put(environment: Map<string, string>, assignment: string): void {
  const at = assignment.indexOf('=')
  if (at > 0) environment.set(assignment.slice(0, at), assignment.slice(at + 1))
}

/** Of all values that variables stand for; a kubelet's command line has a few thousand. A variable that is named a thousand times would be a thousand times its value. */
const mostCharacters = 256 * 1024

function expanded(all: readonly string[], environment: ReadonlyMap<string, string>): string[] {
  let left = mostCharacters
  const take = (name: string): string => {
    const value = environment.get(name) ?? ''
    left -= value.length
    return left < 0 ? '' : value
  }
  return all.flatMap((word) => {
    const [, alone] = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(word) ?? []
    if (alone !== undefined) return words(take(alone))
    return [word.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => take(name))]
  })
}

/** A flag's value among words; the last counts. Both `--name=value` and `--name value`. */
export function flagAmong(all: readonly string[], name: string): string | undefined {
  const values = all.flatMap((word, index) => {
    if (word === `--${name}` || word === `-${name}`) return all[index + 1] ?? []
    const [, value] = new RegExp(`^--?${name}=([\\s\\S]*)$`).exec(word) ?? []
    return value ?? []
  })
  return values.at(-1)
}

/** Where the kubelet of that command line has its files. */
export const kubeletPlaces = (all: readonly string[]): KubeletPlaces => ({
  kubeconfig: flagAmong(all, 'kubeconfig') ?? usualKubelet.kubeconfig,
  config: flagAmong(all, 'config') ?? usualKubelet.config,
  certDir: flagAmong(all, 'cert-dir') ?? usualKubelet.certDir,
  rootDir: flagAmong(all, 'root-dir') ?? usualKubelet.rootDir,
})
