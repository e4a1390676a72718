/** A package as a package manager keeps it. */
export interface PackageState {
  readonly name: string
  readonly version: string
  /** No upgrade touches it. */
  readonly held: boolean
}

/** What a conversion relies on: an upgrade of one of them in the midst of a run changes what joins, or restarts it. */
const reliedOn = ['kubeadm', 'kubelet', 'kubectl', 'containerd', 'containerd.io', 'cri-o', 'haproxy', 'keepalived']
/** Of them, those that must be of the cluster's version: what the Kubernetes documentation says to hold. */
export const kubernetesPackages: readonly string[] = ['kubeadm', 'kubelet', 'kubectl']

/** Installed packages in the text of /var/lib/dpkg/status; `apt-mark hold` is the selection state there (dpkg(1), package selection states). */
export function packagesInDpkgStatus(text: string): readonly PackageState[] {
  const found: PackageState[] = []
  for (const stanza of text.split(/\n\n+/)) {
    const head = stanza.slice(0, 4_000)
    const field = (pattern: RegExp): string => pattern.exec(head)?.[1] ?? ''
    const name = field(/^Package: ([^\n]{0,300})$/m)
    const status = reliedOn.includes(name) ? field(/^Status: ([^\n]{0,300})$/m) : ''
    if (status.endsWith(' installed'))
      found.push({ name, version: field(/^Version: ([^\n]{0,300})$/m), held: status.startsWith('hold ') })
  }
  return found
}

/** What dnf and yum leave alone: versionlock's list (dnf 4: one package a line; dnf 5: TOML), and `exclude` of dnf.conf or of a repository. */
export interface DnfTexts {
  readonly versionlock: readonly string[]
  readonly configurations: readonly string[]
}

/** Whether dnf would upgrade a package. Globs are those of rpm's names: `kube*`. */
export function heldByDnf(name: string, { versionlock, configurations }: DnfTexts): boolean {
  const locked = versionlock.some((text) =>
    text.split('\n').some((line) => {
      const entry =
        /^\s*name\s*=\s*"([^"]{1,200})"/.exec(line)?.[1] ?? /^\s*([A-Za-z0-9][\w.+*-]{0,200})/.exec(line)?.[1]
      return entry !== undefined && (entry === name || entry.replace(/-\d.*$|-\*$/, '') === name)
    }),
  )
  const excluded = configurations.some((text) =>
    text.split('\n').some((line) => {
      const list = /^\s*(?:exclude|excludepkgs)\s*=\s*([^\n]{0,2000})$/.exec(line)?.[1]
      return (list ?? '').split(/[\s,]+/).some((glob) => glob !== '' && globMatches(glob, name))
    }),
  )
  return locked || excluded
}

function globMatches(glob: string, name: string): boolean {
  const at = glob.indexOf('*')
  return at < 0
    ? glob === name
    : name.startsWith(glob.slice(0, at)) && name.endsWith(glob.slice(at).replaceAll('*', ''))
}

/** Whether apt's periodic job installs upgrades (apt.conf(5), the last setting counts); comments are left out. */
export function unattendedByApt(texts: readonly string[]): boolean {
  const settings = texts.flatMap((text) =>
    text
      .split('\n')
      .flatMap((line) => /^(?!\s*(?:\/\/|#)).{0,100}Unattended-Upgrade\s+"([^"]{0,20})"/.exec(line)?.[1] ?? []),
  )
  return !['0', undefined].includes(settings.at(-1))
}

/** Whether dnf-automatic installs what it downloads: its own timer for it, or `apply_updates` of its configuration. */
export function unattendedByDnf(timers: readonly string[], automaticConf: string): boolean {
  if (timers.includes('dnf-automatic-install.timer')) return true
  const applies = /^[ \t]*apply_updates[ \t]*=[ \t]*(?:yes|true|1)[ \t\r]*$/im.test(automaticConf)
  return applies && timers.some((timer) => /^dnf5?-automatic\.timer$/.test(timer))
}
