import { unifiedDiff } from '@quorate/shared/diff'
import { QuorateError } from '@quorate/shared/errors'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { redact } from '@quorate/shared/redact'
import type { KubeApi } from '../../host/kube-api.js'
import { type ConfigMapName, readConfigMap, writeConfigMapText } from '../backup/config-maps.js'
import { backupPlace, findEntry, keepObject, readKept } from '../backup/store.js'
import { type ChangeContext, doneIf, type Evidence, type LookContext } from '../context/operation.js'

export interface ConfigMapEdit {
  readonly name: ConfigMapName
  /** sha256 of the text that the plan saw; empty if the request has none. */
  readonly expectedSha256: string
  /** Verifies itself that it changes no other field than it should (shared/cluster-config-map, shared/kubeconfig). */
  readonly edit: (text: string) => string
  /** Must be on the disk before the ConfigMap is written. */
  readonly keep?: (before: string, wanted: string) => Promise<void>
}

/** The text of a ConfigMap that every kubeadm cluster has; CONFIG_MAP_INVALID if it is missing. */
export async function requireConfigMap(kube: KubeApi, name: ConfigMapName, signal: AbortSignal) {
  const found = await readConfigMap(kube, name, signal)
  if (found !== undefined) return found
  throw new QuorateError('CONFIG_MAP_INVALID', `${name} is missing or empty: kubeadm did not make this cluster`, {
    where: name,
  })
}

/**
 * Edits the text of a ConfigMap under the resourceVersion that was read, and keeps the old text in the run's backup. Returns what
 * was touched, or undefined if the text needs no change. DRIFT if the text is not the one that the plan saw, or on
 * a concurrent change.
 */
export async function editConfigMap(
  context: ChangeContext,
  { name, expectedSha256, edit, keep }: ConfigMapEdit,
): Promise<TouchedObject | undefined> {
  const { tools, signal } = context
  const kube = await tools.kube()
  const { object, text } = await requireConfigMap(kube, name, signal)
  const wanted = edit(text)
  if (wanted === text) return undefined
  const sha256Before = sha256Hex(text)
  if (expectedSha256 !== '' && sha256Before !== expectedSha256) throw await drift(context, name, text)
  await keepObject(backupPlace(context), name, text)
  await keep?.(text, wanted)
  signal.throwIfAborted()
  await writeConfigMapText(kube, name, { object, text: wanted, signal })
  return { name, sha256Before, sha256After: sha256Hex(wanted) }
}

/** Whether the text already is the result of the edit. */
export async function isConfigMapEdited(
  { tools, signal }: LookContext,
  name: ConfigMapName,
  edit: ConfigMapEdit['edit'],
): Promise<Evidence> {
  const { text } = await requireConfigMap(await tools.kube(), name, signal)
  return doneIf(edit(text) === text, { sha256: sha256Hex(text) })
}

/** With a diff against this run's backup, if there is one: it shows what was changed meanwhile. */
async function drift(context: ChangeContext, name: ConfigMapName, found: string): Promise<QuorateError> {
  const message = `${name} is not what the plan saw: its text now has sha256 ${sha256Hex(found)}`
  const place = backupPlace(context)
  const entry = await findEntry(place, name).catch(() => undefined)
  if (entry?.kind !== 'object') return new QuorateError('DRIFT', message, { where: name })
  const planned = (await readKept(place, entry)).toString('utf8')
  return new QuorateError('DRIFT', `${message}\n${unifiedDiff(name, redact(planned), redact(found))}`, { where: name })
}
