import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Hexadecimal. */
export const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Writes SHA256SUMS for files of a folder, as `sha256sum --check` reads it. */
export function writeSums(folder: string, names: readonly string[]): void {
  const lines = names.map((name) => `${sha256Of(join(folder, name))}  ${name}\n`)
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''))
}

/** What a signature is for: one for another purpose with the same key does not count. */
export const signatureNamespace = 'quorate-release'

/** Writes SHA256SUMS.sig. ssh-keygen asks for a passphrase itself; for the public half of a key, it asks the ssh agent to sign. */
export function signSums(folder: string, key: string): void {
  const sums = join(folder, 'SHA256SUMS')
  // ssh-keygen asks before it replaces a file.
  rmSync(`${sums}.sig`, { force: true })
  execFileSync('ssh-keygen', ['-Y', 'sign', '-f', key, '-n', signatureNamespace, sums], { stdio: 'inherit' })
}
