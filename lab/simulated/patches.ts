import { parse } from 'yaml'
import type { SimulatedNode } from './node.js'
import { yamlText } from './yaml-text.js'

type Json = { [key: string]: unknown }
interface JsonOperation {
  readonly op: 'add' | 'remove' | 'replace'
  readonly path: string
  readonly value?: unknown
}

/** `kube-apiserver0+json.yaml`: what it patches, an order, how (app/util/patches/patches.go). */
const fileName = /^(?<target>[a-z-]+?)[^a-z+-]*(?:\+(?<type>strategic|merge|json))?\.(?:json|yaml)$/

/** Applies the patches for a component to its manifest, in the order of their file names; files whose names kubeadm does not know are skipped. */
export function patched(node: SimulatedNode, folder: string | undefined, component: string, text: string): string {
  if (folder === undefined) return text
  if (!node.exists(folder)) throw new Error(`open ${folder}: no such file or directory`)
  let result = text
  for (const name of node.list(folder)) {
    const { target, type = 'strategic' } = fileName.exec(name)?.groups ?? {}
    if (target !== component) continue
    const [document, patch] = [parse(result) as Json, parse(node.must(`${folder}/${name}`)) as unknown]
    if (type === 'json') for (const operation of patch as JsonOperation[]) apply(document, operation)
    result = yamlText(type === 'json' ? document : merged(document, patch, type === 'strategic'))
  }
  return result
}

function apply(document: Json, { op, path, value }: JsonOperation): void {
  const words = path
    .slice(1)
    .split('/')
    .map((word) => word.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = words.pop() ?? ''
  let at: unknown = document
  for (const word of words) at = (at as Json)[word]
  if (Array.isArray(at)) {
    const index = last === '-' ? at.length : Number(last)
    if (op === 'add') at.splice(index, 0, value)
    else at.splice(index, 1, ...(op === 'replace' ? [value] : []))
  } else if (op === 'remove') {
    if (!Object.hasOwn(at as Json, last))
      throw new Error(`remove operation does not apply: doc is missing path: "${path}"`)
    delete (at as Json)[last]
  } else (at as Json)[last] = value
}

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const named = (list: unknown): list is Json[] => Array.isArray(list) && list.every((one) => isMap(one) && 'name' in one)

/** RFC 7386. A strategic patch also merges lists whose items have names (containers, volumes), by name. */
function merged(into: unknown, patch: unknown, strategic: boolean): unknown {
  if (strategic && named(into) && named(patch)) {
    const known = into.map((one) => {
      const change = patch.find(({ name }) => name === one['name'])
      return change === undefined ? one : merged(one, change, strategic)
    })
    return [...known, ...patch.filter(({ name }) => !into.some((one) => one['name'] === name))]
  }
  if (!isMap(patch)) return patch
  const result: Json = isMap(into) ? { ...into } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value, strategic)
  }
  return result
}
