import type { Command, Host } from '../../host/host.js'

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

const notThere = { exitCode: 1, stdout: '', stderr: '' }

/** What a program printed of itself, by the file that it was asked of. */
const printedBy = new Map<string, string>()

/**
 * Asks a program for its version, once for each file that it ever was: a gate reads facts several times a second, and starting
 * programs of 60 MB each time would take a whole core from the API server. Empty when it is not there.
 */
export async function versionPrinted(host: Host, command: Command, signal: AbortSignal): Promise<string> {
  const key = await identityOf(host, command.file)
  const known = key === undefined ? undefined : printedBy.get(key)
  if (known !== undefined) return known
  // keepalived prints its version on the error stream.
  const { exitCode, stdout, stderr } = await host.run(command, signal).catch(() => notThere)
  const text = exitCode === 0 ? `${stdout}${stderr}`.trim() : ''
  if (key !== undefined && text !== '') printedBy.set(key, text)
  return text
}

/** Where a program of that name lies, in the order of the folders; undefined when there is none. */
export async function pathOf(host: Host, program: string): Promise<string | undefined> {
  for (const folder of programFolders) {
    const path = `${folder}/${program}`
    if ((await host.identity(path).catch(() => undefined)) !== undefined) return path
  }
  return undefined
}

/** What changes when the program of that name is another file; undefined when there is none. */
export async function identityOf(host: Host, program: string): Promise<string | undefined> {
  const path = await pathOf(host, program)
  return path === undefined ? undefined : host.identity(path).catch(() => undefined)
}
