import { isAlias, isPair, isScalar, isSeq, type Scalar, visit } from 'yaml'
import { QuorateError } from './errors.js'
import { redact } from './redact.js'
import { filePlace } from './text-place.js'
import { readYaml, type YamlText } from './yaml-text.js'

const secretKeys = new Set([
  'client-key-data',
  'token',
  'password',
  'id-token',
  'refresh-token',
  'access-token',
  'client-secret',
])

/** A word of a command line whose next word is a secret: `--client-secret`. */
const secretFlag = /^--?[\w-]*(?:token|password|secret)[\w-]*$/i

/** What cannot be read is not shown, and not reported here. */
const nowhere = filePlace('kubeconfig')

/**
 * The kubeconfig in readable form, for comparison: every secret in it replaced, its structure as it was, so that it can be edited as the file
 * itself will be. Of text that is no YAML nothing is shown.
 */
export function redactKubeconfig(text: string): string {
  try {
    const { document } = readYaml(text, 'KUBECONFIG_INVALID', nowhere)
    const anchors = secretAnchors(document)
    let clean = ''
    let done = 0
    visit(document, {
      Scalar(key, node, path) {
        const [start, end] = node.range ?? [0, 0]
        const source = text.slice(start, end).trimEnd()
        const secret = key !== 'key' && (isSecret(node, key, path) || anchors.has(node.anchor ?? ''))
        clean += betweenScalars(text.slice(done, start)) + redactedScalar(node, source, secret)
        done = start + source.length
      },
    })
    return clean + betweenScalars(text.slice(done))
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    return '[redacted: not readable as YAML]\n'
  }
}

/** A secret may stand elsewhere in the file, with an anchor. */
function secretAnchors(document: YamlText['document']): ReadonlySet<string> {
  const anchors = new Set<string>()
  visit(document, {
    Pair(_, { key, value }) {
      if (isScalar(key) && secretKeys.has(String(key.value)) && isAlias(value)) anchors.add(value.source)
    },
  })
  return anchors
}

/** Comments are all the text that stands there. */
const betweenScalars = (text: string): string => text.replaceAll(/#[^\n]*(?:\n[ \t]*#[^\n]*)*/g, redact)

/** In quotes: brackets of our own would be a list. */
function redactedScalar(node: Scalar, source: string, secret: boolean): string {
  const value = String(node.value ?? '')
  const clean = secret ? '[redacted]' : redact(value)
  return clean === value ? source : JSON.stringify(clean)
}

function isSecret(node: Scalar, at: number | string | null, path: readonly unknown[]): boolean {
  if (node.value === null || node.value === '') return false
  const parent = path.at(-1)
  if (isSeq(parent)) {
    const before = parent.items[Number(at) - 1]
    return isScalar(before) && secretFlag.test(String(before.value))
  }
  const key = isPair(parent) && isScalar(parent.key) ? String(parent.key.value) : ''
  const inEnvironment = path.some((part) => isPair(part) && isScalar(part.key) && part.key.value === 'env')
  const named = `${key}: ${String(node.value)}`
  // The second fence knows more keys than those of a kubeconfig.
  const isNamed = redact(named) !== named && redact(String(node.value)) === String(node.value)
  return secretKeys.has(key) || isNamed || (inEnvironment && key === 'value')
}
