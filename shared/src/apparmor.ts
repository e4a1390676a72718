/** A profile that the kernel has loaded. */
export interface LoadedProfile {
  readonly name: string
  /** `enforce`, `complain`, `kill`, `unconfined`. */
  readonly mode: string
}

const mostProfiles = 500

/** The text of /sys/kernel/security/apparmor/profiles: `/usr/sbin/haproxy (enforce)`, one a line. */
export function loadedProfiles(text: string): readonly LoadedProfile[] {
  return text.split('\n', mostProfiles).flatMap((line) => {
    const [, name, mode] = /^(.{1,300}) \((\w{1,20})\)$/.exec(line) ?? []
    return name === undefined || mode === undefined ? [] : [{ name, mode }]
  })
}

/** Rules for files in a profile's text: `/etc/haproxy/* r`. Variables and includes are not followed: what they add is not seen. */
export function fileRules(text: string): readonly string[] {
  return text
    .split('\n')
    .flatMap((line) => /^\s*(?:owner\s+|audit\s+)?(\/\S{0,300}\s{1,20}[a-zA-Z]{1,10})\s{0,20},/.exec(line)?.[1] ?? [])
    .slice(0, mostProfiles)
}

/** Whether one of the rules lets a file be read: globs as in apparmor.d(5), `*` within a folder, `**` below it, `{a,b}` one of several. */
export function mayRead(rules: readonly string[], path: string): boolean {
  return rules.some((rule) => {
    const [glob = '', access = ''] = rule.split(/\s+/)
    return access.includes('r') && globOf(glob).test(path)
  })
}

function globOf(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+?^$()|\\]/g, '\\$&')
    .replaceAll('{', '(?:')
    .replaceAll('}', ')')
    .replaceAll(',', '|')
    .replaceAll(/\*\*|\*/g, (stars) => (stars === '**' ? '.{0,300}' : '[^/]{0,300}'))
  try {
    return new RegExp(`^${source}$`)
  } catch {
    // Braces that do not close: the rule lets nothing be read that we know of.
    return /$^/
  }
}
