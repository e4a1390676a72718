import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { filesBelow } from '../../figures/imports.js'

const root = join(import.meta.dirname, '../..')
const table = readFileSync(join(root, 'test/support/parsers-of-foreign-texts.ts'), 'utf8')

/** A function of a text, of whatever kind. */
const ofText =
  /^export (?:async )?(?:function|const) (\w+)(?:\(| = (?:async )?\()(?:text|pem|printed|output|manifest|line|csr|bytes|answer|source): (?:string|Buffer)\b/gm

/** What takes no text of others, or is within one that the table has. */
const elsewhere: Readonly<Record<string, string>> = {
  ...of('a word of at most 300 characters by the checks at the door, or of the command line', [
    'isDnsLabel',
    'isDnsName',
    'isErrorCode',
    'isIpAddress',
    'isCertificateName',
    'parseNodeName',
    'parseOperationId',
    'parseRunId',
    'parseEndpoint',
    'parseHostPort',
    'parseListen',
    'canonicalAddress',
  ]),
  ...of('within readPositionedYaml and readYaml, which every reader of YAML begins with', ['yamlExcess']),
  ...of('within the client of the API server, which test/hostile attacks', ['parseBounded']),
  ...of('within parseClusterFile', ['readPositionedYaml']),
  ...of('within parseAccess', ['kubeconfigInUse']),
  ...of('within maskSecrets', ['isQuorateConfig']),
  ...of('within readStaticPodDetails', ['podFacts']),
  ...of('within preflightFindings', ['isPhaseLine']),
  ...of('within setControlPlaneEndpoint and extraArgs, the same editor', [
    'turnOnFeatureGate',
    'withLearnerGate',
    'withCertificatesDir',
    'gateIn',
    'extraArgsOf',
    'partOf',
    'adoptExtras',
  ]),
  ...of('makes text of its own safe to show', ['show', 'shown', 'withoutMasks', 'inComment']),
}

function of(why: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, why]))
}

t.test('every exported function of a foreign text is in the table of the bench and the fuzzer', async (t) => {
  const found = ['agent', 'coordinator', 'shared'].flatMap((room) =>
    filesBelow(join(root, room, 'src'))
      .filter((file) => !file.includes('/gen/'))
      .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(ofText)].map(([, name = '']) => name)),
  )
  t.ok(found.length > 40)
  const missing = found.filter((name) => !new RegExp(`\\b${name}\\b`).test(table) && !Object.hasOwn(elsewhere, name))
  t.same(missing, [], 'a new one: add it to test/support/parsers-of-foreign-texts.ts')
  t.same(
    Object.keys(elsewhere).filter((name) => !found.includes(name)),
    [],
    'exceptions that are no more',
  )
})
