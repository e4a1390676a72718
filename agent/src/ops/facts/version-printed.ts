import type { Command, Host } from '../../host/host.js'

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

const notThere = { exitCode: 1, stdout: '', stderr: '' }

/** A program's version output, by its file. */
const printedBy = new Map<string, string>()

/**
 * Asks a program for its version, once for each version of its file: a gate reads facts several times a second, and starting
 * programs of 60 MB each time would take a whole core from the API server. Empty if it is not installed.
 */
export async function versionPrinted(host: Host, command: Command, signal: AbortSignal): Promise<string> {
  const key = await identityOf(host, command.file)
  const known = key === undefined ? undefined : printedBy.get(key)
  if (known !== undefined) return known
  // keepalived prints its version to standard error.
  const { exitCode, stdout, stderr } = await host.run(command, signal).catch(() => notThere)
  const text = exitCode === 0 ? `${stdout}${stderr}`.trim() : ''
  if (key !== undefined && text !== '') printedBy.set(key, text)
  return text
}

/** Path of a program of that name, in the order of the folders; undefined if there is none. */
export async function pathOf(host: Host, program: string): Promise<string | undefined> {
  for (const folder of programFolders) {
    const path = `${folder}/${program}`
    if ((await host.identity(path).catch(() => undefined)) !== undefined) return path
  }
  return undefined
}

/** Changes when the program of that name is replaced; undefined if there is none. */
export async function identityOf(host: Host, program: string): Promise<string | undefined> {
  const path = await pathOf(host, program)
  return path === undefined ? undefined : host.identity(path).catch(() => undefined)
}
