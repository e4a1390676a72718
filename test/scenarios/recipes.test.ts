/**
 * Each recipe of CONTRIBUTING.md as a sample that is added to a copy of this clone: the files that it names are enough, `npm run check` and the
 * contract tests pass with all samples in place, and the step that it shows converts a simulated cluster and is undone.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')

interface Sample {
  /** As CONTRIBUTING.md asks. */
  readonly question: string
  /** Files of the product that it may touch. */
  readonly most: number
  /** New files. */
  readonly files?: Readonly<Record<string, string>>
  /** What is put in just before a text that the file has once. */
  readonly lines: Readonly<Record<string, readonly (readonly [before: string, put: string])[]>>
}

/** The whole file that a recipe shows. */
function shownIn(question: string): string {
  const shown = /^```ts\n(.*?)^```$/ms.exec(contributing.split(`**${question}**`)[1] ?? '')?.[1]
  if (shown === undefined) throw new Error(`CONTRIBUTING.md shows no file: ${question}`)
  return shown
}

/** A step that has the operation of the recipe write its file. */
const noteStep = `import { unifiedDiff } from '@quorate/shared/diff'
import { sha256Hex } from '@quorate/shared/hash'
import { runNotePath } from '@quorate/shared/run-note'
import { holds, notYet, until } from '@quorate/shared/until'
import { byItself } from '../context/foreseen.js'
import { defineStep } from '../context/step.js'
import { patience } from '../facts/patience.js'
import { putBack } from '../undo/put-back.js'

const text = 'converted'

export const writeRunNote = defineStep({
  id: 'write-run-note',
  title: 'Write a note on the control planes',
  gate: 'Each has the file with the note.',
  undo: 'The file is removed.',
  width: 10,
  foreseen: [byItself('the note', 'the step writes it')],
  async plan(run) {
    const actions = run.controlPlanes.map(async ({ name: node }) => {
      const { fileHashes } = await run.nodeFacts(node)
      if (fileHashes[runNotePath] !== undefined) return []
      const diffs = [{ name: \`\${node}:\${runNotePath}\`, text: unifiedDiff(runNotePath, '', \`\${text}\\n\`) }]
      return [{ id: node, node, does: \`write a note into \${runNotePath}\`, diffs }]
    })
    return (await Promise.all(actions)).flat()
  },
  async apply(run, { node }, call) {
    await run.agent(node).change('writeRunNote', { text }, call, 'write')
  },
  verify(run, { node }, signal) {
    const look = async () => {
      const { facts } = await run.agent(node).read('getNodeFacts', {}, { signal })
      const found = facts?.fileHashes[runNotePath]
      return found === sha256Hex(\`\${text}\\n\`) ? holds([{ what: runNotePath, saw: text }]) : notYet('it has no note')
    }
    return until(\`a note on \${node}\`, look, patience(signal, 30))
  },
  rollback: putBack,
})
`

/** Converts a simulated cluster with the step in the order, and undoes it. */
const stepTest = `import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { asBefore } from '../support/as-before.js'
import { clusterForTest, ended, everything, runOf } from '../support/simulated-cluster.js'

t.test('the step writes its file on nodes, its gate sees it, its undo restores it', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const before = await everything(cluster)
  const hosts = (node: string) => readFileSync(join(cluster.node(node).root, 'etc/hosts'), 'utf8')
  const converted = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, converted)
  for (const node of ['cp1', 'cp2', 'cp3'])
    t.equal(readFileSync(join(cluster.node(node).root, 'etc/kubernetes/run-note'), 'utf8'), 'converted\\n')
  for (const node of ['cp2', 'cp3']) t.match(hosts(node), '192.168.13.5 registry.example.com')
  t.notMatch(hosts('cp1'), 'registry.example.com')
  const report = await cluster.quorate(['report', runOf(cluster)])
  t.match(report.stdout, /registry.example.com on k8smaster3.example.com.*192.168.13.5/)
  const again = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  t.notMatch(again.stdout, 'write registry.example.com', 'done once, it plans nothing')
  ended(t, await cluster.quorate(['rollback', runOf(cluster), '--yes']))
  await asBefore(t, cluster, before)
})
`

const steps = 'coordinator/src/conversion/steps'
const checks = 'coordinator/src/conversion/checks'
const balancers = 'coordinator/src/conversion/load-balancers'

const samples: readonly Sample[] = [
  {
    question: 'How do I add a step?',
    most: 2,
    files: {
      [`${steps}/publish-registry-name.ts`]: shownIn('How do I add a step?'),
    },
    lines: {
      'coordinator/src/conversion/order.ts': [
        ['import { regenerateApi', "import { publishRegistryName } from './steps/publish-registry-name.js'\n"],
        ['  regenerateApiserverCertificate,\n', '  publishRegistryName,\n'],
      ],
    },
  },
  {
    question: 'How do I add an agent operation?',
    most: 7,
    files: {
      'agent/src/ops/write-run-note.ts': shownIn('How do I add an agent operation?'),
      'shared/src/run-note.ts': `/** Where the note of a conversion lies. */
export const runNotePath = '/etc/kubernetes/run-note'
`,
    },
    lines: {
      'proto/quorate/v1/node_agent.proto': [
        [
          '  // Removes the block that this run wrote into /etc/hosts, or restores the previous one.\n',
          '  // Writes a note.\n  rpc WriteRunNote(WriteRunNoteRequest) returns (stream WriteRunNoteResponse);\n',
        ],
        [
          'message RemoveHostsBlockRequest {',
          'message WriteRunNoteRequest {\n  OperationHeader header = 1;\n  string text = 2;\n}\nmessage WriteRunNoteResponse {\n  OperationEvent event = 1;\n}\n\n',
        ],
      ],
      'agent/src/ops/registry.ts': [
        ['\n/** Everything that this agent can do', "import { writeRunNote } from './write-run-note.js'\n"],
        ['  removeHostsBlock,\n', '  writeRunNote,\n'],
      ],
      'agent/src/server/requests.ts': [
        ['  removeHostsBlock: { header },\n', '  writeRunNote: { header, text: check.dnsName },\n'],
      ],
      'agent/src/ops/context/paths.ts': [
        [
          "import type { Host } from '../../host/host.js'\n",
          "import { runNotePath } from '@quorate/shared/run-note'\n",
        ],
        ['    ...loadBalancerPaths,\n', '    runNotePath,\n'],
      ],
      'test/support/paper-cluster/effects.ts': [
        [
          '    removeHostsBlock: () => {\n',
          "    writeRunNote: () => {\n      paper.facts.fileHashes['/etc/kubernetes/run-note'] = '20d136c1ad5e73c08e18ae3d28511b8b03c277d15f3191e9b2e5018cbe1f90c9'\n    },\n",
        ],
      ],
    },
  },
  {
    question: 'How do I add a step?',
    most: 2,
    files: { [`${steps}/write-run-note.ts`]: noteStep },
    lines: {
      'coordinator/src/conversion/order.ts': [
        ['\n/** THE ORDER', "import { writeRunNote } from './steps/write-run-note.js'\n"],
        ['  letEtcdListen,\n', '  writeRunNote,\n'],
      ],
    },
  },
  {
    question: 'How do I add a preflight check?',
    most: 2,
    files: {
      [`${checks}/sample-hostname.ts`]: `import type { Check } from './check.js'

const id = 'sample-hostname'

export const sampleHostname: Check = {
  id,
  title: 'Hostnames are set',
  beside: 'A sample: no known failure is about it.',
  async check(run) {
    const facts = await run.nodeFacts(run.first)
    if (facts.hostname !== '') return []
    return [
      {
        id,
        severity: 'warning',
        node: run.first.name,
        message: 'the node has no hostname',
        evidence: 'an empty hostname',
        remedy: 'On that node: hostnamectl set-hostname NAME',
      },
    ]
  },
}
`,
    },
    lines: {
      [`${checks}/all.ts`]: [
        ['import { selinux }', "import { sampleHostname } from './sample-hostname.js'\n"],
        ['  selinux,\n', '  sampleHostname,\n'],
      ],
    },
  },
  {
    question: 'How do I add an agent operation?',
    most: 4,
    files: {
      'agent/src/ops/get-sample.ts': `import type { GetSampleRequest, GetSampleResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** A sample: the request's number plus one. */
export const getSample = readOperation<GetSampleRequest, GetSampleResponse>(async ({ port }) => ({ port: port + 1 }))
`,
    },
    lines: {
      'proto/quorate/v1/node_agent.proto': [
        [
          '  // Restarts the kubelet, as a transient unit.\n',
          '  // A sample.\n  rpc GetSample(GetSampleRequest) returns (GetSampleResponse);\n',
        ],
        [
          'message RestartKubeletRequest {',
          'message GetSampleRequest {\n  uint32 port = 1;\n}\nmessage GetSampleResponse {\n  uint32 port = 1;\n}\n\n',
        ],
      ],
      'agent/src/ops/registry.ts': [
        ['import { getSealingKey }', "import { getSample } from './get-sample.js'\n"],
        ['  getSealingKey,\n', '  getSample,\n'],
      ],
      'agent/src/server/requests.ts': [['  getSealingKey: {},\n', '  getSample: { port: check.port },\n']],
    },
  },
  {
    question: 'How do I add a kind of load balancer?',
    most: 3,
    files: {
      [`${balancers}/sample.ts`]: `import type { LoadBalancer } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { external } from './external.js'

/** A sample: as one that the operator runs. */
export const sample = (run: ConversionRun): LoadBalancer => ({ ...external(run), name: 'sample' })
`,
    },
    lines: {
      [`${balancers}/all.ts`]: [
        ['import { service }', "import { sample } from './sample.js'\n"],
        ['  service,\n', '  sample,\n'],
      ],
      'coordinator/src/config/load-balancer-settings.ts': [
        [
          "  'kube-vip': {\n    title",
          "  sample: {\n    title: 'sample',\n    virtualIP: 'allowed',\n    hosts: false,\n    besideApiServer: false,\n  },\n",
        ],
      ],
    },
  },
  {
    question: 'How do I add a command?',
    most: 3,
    files: {
      'coordinator/src/cli/sample.ts': `import { Command } from 'commander'
import type { CommandMaker } from './context.js'

export const sampleCommand: CommandMaker = ({ terminal }) =>
  new Command('sample').summary('prints a sample').action(async () => {
    terminal.out('sample\\n')
  })
`,
    },
    lines: {
      'coordinator/src/cli/program.ts': [
        ['import { serveCommand }', "import { sampleCommand } from './sample.js'\n"],
        ['  serveCommand,\n', '  sampleCommand,\n'],
      ],
      'coordinator/src/cli/access-table.ts': [['  serve: ownKeys,\n', '  sample: reads,\n']],
    },
  },
  {
    question: 'How do I add a REST route?',
    most: 2,
    files: {
      'coordinator/src/rest/routes/sample.ts': `import type { RouteOptions } from 'fastify'

/** A sample. */
export const sampleRoutes: readonly RouteOptions[] = [
  {
    method: 'GET',
    url: '/v1/sample',
    schema: {
      operationId: 'getSample',
      summary: 'A sample.',
      response: { 200: { description: 'It.', type: 'object', properties: { sample: { type: 'string' } } } },
    },
    handler: async () => ({ sample: 'yes' }),
  },
]
`,
    },
    lines: {
      'coordinator/src/rest/app.ts': [
        ['import { runningRuns }', "import { sampleRoutes } from './routes/sample.js'\n"],
        ['    ...healthRoutes,\n', '    ...sampleRoutes,\n'],
      ],
    },
  },
]

const left = new Set(['node_modules', '.git', 'dist', 'out', '.cache'])

/** The clone without what is built, with its packages: third-party ones by a link, its own in the copy. */
function scratchCopy(): string {
  const scratch = mkdtempSync(join(tmpdir(), 'quorate-recipes-'))
  cpSync(root, scratch, {
    recursive: true,
    filter: (path) => !left.has(basename(path)) && !path.endsWith('.tsbuildinfo'),
    verbatimSymlinks: true,
  })
  mkdirSync(join(scratch, 'node_modules', '@quorate'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@quorate') symlinkSync(join(root, 'node_modules', name), join(scratch, 'node_modules', name))
  for (const name of ['shared', 'agent', 'coordinator'])
    symlinkSync(join(scratch, name), join(scratch, 'node_modules', '@quorate', name))
  return scratch
}

function add(scratch: string, { files = {}, lines }: Sample): void {
  for (const [path, text] of Object.entries(files)) writeFileSync(join(scratch, path), text)
  for (const [path, puts] of Object.entries(lines)) {
    let text = readFileSync(join(scratch, path), 'utf8')
    for (const [before, put] of puts) {
      const parts = text.split(before)
      if (parts.length !== 2) throw new Error(`${path} has ${parts.length - 1} times: ${before}`)
      text = `${parts[0]}${put}${before}${parts[1]}`
    }
    writeFileSync(join(scratch, path), text)
  }
}

function run(cwd: string, command: string): Promise<{ readonly code: number; readonly said: string }> {
  return new Promise((done) => {
    const options = { cwd, maxBuffer: 64 * 1024 * 1024 }
    // The test runner tells its own processes to load modules in its way: these do not.
    execFile('bash', ['-c', `unset NODE_OPTIONS; ${command}`], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      const lines = `${stdout}\n${stderr}`.split('\n')
      const failed = lines.findIndex((line) => line.includes('not ok'))
      done({
        code,
        said: lines
          .slice(failed === -1 ? -60 : failed)
          .slice(0, 60)
          .join('\n'),
      })
    })
  })
}

t.test('each recipe names every file that its sample touches, and no more are touched than are allowed', async (t) => {
  for (const { question, most, files = {}, lines } of samples) {
    const recipe = contributing.split(`**${question}**`)[1]?.split('\n**How')[0] ?? ''
    t.ok(recipe !== '', question)
    const touched = [...Object.keys(files), ...Object.keys(lines)]
    t.ok(touched.length <= most, `${question} ${touched.length} files, at most ${most}`)
    for (const path of Object.keys(lines)) t.ok(recipe.includes(path), `${question} names ${path}`)
    for (const path of Object.keys(files)) t.ok(recipe.includes(dirname(path)), `${question} names ${dirname(path)}/`)
  }
})

t.test('with all samples added, the checks and the contract tests pass, and the step runs', async (t) => {
  const scratch = scratchCopy()
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }))
  for (const sample of samples) add(scratch, sample)
  writeFileSync(join(scratch, 'test/scenarios/step-of-recipe.test.ts'), stepTest)
  for (const command of [
    'npx buf generate && npx buf generate --template buf.gen.third-party.yaml',
    // The linter asks git what to leave out; the samples are formatted as an editor would.
    'git init -q && git add -A && npx biome check --write . && npm run -s check',
    'npx tap --jobs=1 --reporter=tap test/contract/{layers,access,command-access,foreseen,failures,proto,language}.test.ts',
    'npx tap --reporter=tap --timeout=300 test/scenarios/step-of-recipe.test.ts',
  ]) {
    const { code, said } = await run(scratch, command)
    t.equal(code, 0, `${command}\n${code === 0 ? '' : said}`)
  }
})
