/** What /etc/os-release says of a system; empty where it does not. */
export interface OsRelease {
  /** ID: `ubuntu`, `rocky`. */
  readonly id: string
  /** ID_LIKE, word by word. */
  readonly like: readonly string[]
  /** VERSION_ID: `22.04`. */
  readonly version: string
  /** PRETTY_NAME. */
  readonly name: string
}

/** Reads assignments as a shell does: quotes, backslashes in double quotes, comments; the last of a name counts (os-release(5)). */
export function readOsRelease(text: string): OsRelease {
  const values = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const [, name, value = ''] = /^\s*([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
    if (name !== undefined) values.set(name, unquoted(value.trim()))
  }
  const of = (name: string): string => values.get(name) ?? ''
  return {
    id: of('ID'),
    like: of('ID_LIKE')
      .split(/\s+/)
      .filter((word) => word !== ''),
    version: of('VERSION_ID'),
    name: of('PRETTY_NAME'),
  }
}

function unquoted(value: string): string {
  const [, double, single, bare = ''] = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))/.exec(value) ?? []
  return single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? bare
}
