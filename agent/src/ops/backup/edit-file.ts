import { isUtf8 } from 'node:buffer'
import { unifiedDiff } from '@quorate/shared/diff'
import { QuorateError } from '@quorate/shared/errors'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { redact } from '@quorate/shared/redact'
import type { HostFile, ReplaceOptions } from '../../host/host.js'
import { type ChangeContext, doneIf, type Evidence, type LookContext } from '../context/operation.js'
import { changed, unchanged } from '../context/result.js'
import { type BackupPlace, backupPlace, findEntry, keepFiles, readKept } from './store.js'

interface FileEdit {
  readonly path: string
  /** The wanted text, from the present one (undefined: the file does not exist). */
  readonly edit: (text: string | undefined) => string
  /** sha256 that the plan saw; empty if the request has none. */
  readonly expectedSha256?: string
  /** Mode of a new file. */
  readonly mode: number
  /** One summary line each. */
  readonly done: string
  readonly alreadySo: string
  /** Removes what a diff must not show; default: shared/redact. */
  readonly redactText?: (text: string) => string
}

/**
 * Changes one file to a wanted text: no change if it matches, DRIFT if it is not what the plan saw, otherwise kept in
 * the run's backup and replaced atomically with its mode and owner.
 */
export async function editFile(context: ChangeContext, edit: FileEdit): Promise<OperationResult> {
  const { host } = context.tools
  const file = await host.read(edit.path)
  // A hosts file with a name in Latin-1 must be restored byte for byte.
  const encoding = file === undefined || isUtf8(file.bytes) ? 'utf8' : 'latin1'
  const wanted = Buffer.from(edit.edit(file?.bytes.toString(encoding)), encoding)
  if (file?.bytes.equals(wanted)) return unchanged(edit.alreadySo)
  const place = backupPlace(context)
  const before = file === undefined ? '' : sha256Hex(file.bytes)
  if (edit.expectedSha256) await refuseDrift(place, edit, { found: before, bytes: file?.bytes })
  await keepFiles(place, [edit.path])
  // What was refused at that moment was not kept, and what was not kept is not changed.
  await findEntry(place, edit.path)
  context.signal.throwIfAborted()
  await host.replace(edit.path, wanted, looksFor(edit, file))
  return changed({
    summary: edit.done,
    touched: [{ name: edit.path, sha256Before: before, sha256After: sha256Hex(wanted) }],
  })
}

/** Those of the file that was read: what a user puts in its place meanwhile must not get root's bytes with the user's mode and owner. */
const looksFor = ({ mode }: FileEdit, file: HostFile | undefined): ReplaceOptions =>
  file === undefined ? { mode } : { mode: file.mode, uid: file.uid, gid: file.gid, exact: true }

/** Whether a file needs no change; false if it cannot be edited. */
export async function isEdited({ tools }: LookContext, path: string, edit: FileEdit['edit']): Promise<Evidence> {
  const file = await tools.host.read(path)
  const encoding = file === undefined || isUtf8(file.bytes) ? 'utf8' : 'latin1'
  const text = file?.bytes.toString(encoding)
  return doneIf(text !== undefined && edit(text) === text, { sha256: file === undefined ? '' : sha256Hex(file.bytes) })
}

interface Found {
  /** sha256; empty if the file does not exist. */
  readonly found: string
  readonly bytes: Uint8Array | undefined
}

async function refuseDrift(place: BackupPlace, edit: FileEdit, { found, bytes }: Found): Promise<void> {
  const { path, expectedSha256: expected = '', redactText = redact } = edit
  if (found === expected) return
  throw await drift(place, { path, expected, found, bytes, redactText })
}

/**
 * The error for an unexpected file content. If the run's backup has the expected text, with a diff of both, without
 * secrets; otherwise with the hashes only.
 */
export async function drift(
  place: BackupPlace,
  seen: Found & { path: string; expected: string; redactText?: (text: string) => string },
): Promise<QuorateError> {
  const { path, expected, found, bytes, redactText = redact } = seen
  const word = (hash: string): string => (hash === '' ? 'no such file' : `sha256 ${hash}`)
  const message = `${path} is not what was expected: expected ${word(expected)}, found ${word(found)}`
  const before = await keptText(place, path, expected)
  if (before === undefined || bytes === undefined) return new QuorateError('DRIFT', message, { where: path })
  const after = Buffer.from(bytes).toString('utf8')
  return new QuorateError('DRIFT', `${message}\n${unifiedDiff(path, redactText(before), redactText(after))}`, {
    where: path,
  })
}

async function keptText(place: BackupPlace, path: string, sha256: string): Promise<string | undefined> {
  const entry = await findEntry(place, path).catch(() => undefined)
  if (entry?.kind !== 'file' || entry.sha256 !== sha256) return undefined
  return (await readKept(place, entry).catch(() => undefined))?.toString('utf8')
}
