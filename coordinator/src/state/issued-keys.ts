import { X509Certificate } from 'node:crypto'
import { appendFile, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { keyOf } from '@quorate/shared/deny-list'
import { z } from 'zod'
import type { StatePaths } from './paths.js'
import { syncFolder } from './write-file.js'

const issued = z.object({
  sha256: z.string(),
  whose: z.string(),
  issuedAt: z.number(),
  /** The key that vouched for it when its own certificate had ended. */
  vouchedBy: z.string().optional(),
})

/** A key that got a certificate of this fleet. */
export type IssuedKey = z.output<typeof issued>

/** Records the key of a certificate before it is used or given away: what is not recorded cannot be revoked by name. */
export async function recordIssued(
  { issuedKeys }: StatePaths,
  whose: string,
  certificatePem: string,
  vouchedBy?: string,
): Promise<void> {
  const line = JSON.stringify({ ...keyIn(whose, certificatePem), issuedAt: Date.now(), vouchedBy })
  // Whole lines at the end of one file: commands that run at the same time do not disturb each other, nor does the half line of a power cut.
  await appendFile(issuedKeys, `\n${line}\n`, { mode: 0o600 })
  const file = await open(issuedKeys, 'r')
  await file.sync().finally(() => file.close())
  await syncFolder(dirname(issuedKeys))
}

/** Every recorded key, in the order in which they were issued. */
export async function issuedKeys(paths: StatePaths): Promise<readonly IssuedKey[]> {
  const text = await readFile(paths.issuedKeys, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split('\n').flatMap((line) => {
    const read = issued.safeParse(jsonOf(line))
    return read.success ? [read.data] : [] // the last line of an append that a power cut ended
  })
}

/** The key of a certificate. */
export const keyIn = (whose: string, certificatePem: string): { readonly sha256: string; readonly whose: string } => ({
  sha256: keyOf(new X509Certificate(certificatePem)),
  whose,
})

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
