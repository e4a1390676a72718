import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SignedApproval } from '@quorate/shared/approval'
import { QuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'
import { z } from 'zod'
import { readFileAtMost } from '../config/read-file-at-most.js'
import { writeDurably } from './write-file.js'

const largest = 16 * 1024
const signed = z.strictObject({
  statement: z.string().max(largest),
  signature: z.string().max(largest),
  certificate: z.string().max(largest),
})

/** The approvals of a state folder, as they were signed: one file each. What is in a file proves nothing before it is verified. */
export interface ApprovalStore {
  add(approval: SignedApproval): Promise<void>
  /** All that can be read as an approval, valid or not. */
  list(): Promise<readonly SignedApproval[]>
}

export function approvalStore(folder: string): ApprovalStore {
  return {
    async add(approval) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const path = join(folder, `${sha256Hex(approval.statement)}.json`)
      await writeDurably(path, `${JSON.stringify(approval)}\n`, 0o600)
    },
    async list() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
      const files = names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort()
      const read = await Promise.all(files.map((name) => textOf(join(folder, name))))
      return read.flatMap((text) => parsed(text) ?? [])
    },
  }
}

/** A signed approval from the text of a file; USAGE for any other text. */
export function parseSignedApproval(text: string, where: string): SignedApproval {
  const found = text.length > 4 * largest ? undefined : parsed(text)
  if (found !== undefined) return found
  throw new QuorateError('USAGE', 'this is not a signed approval', {
    where,
    remedy: '`quorate approve HASH --plan plan.json --identity DIR > approval.json` makes one.',
  })
}

/** What is too large is no approval. */
const textOf = (path: string): Promise<string> =>
  readFileAtMost(path, 4 * largest).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'FILE_TOO_LARGE') return ''
    throw error
  })

function parsed(text: string): SignedApproval | undefined {
  try {
    return signed.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
