import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { filesBelow, importsOf, targetOf } from '../../figures/imports.js'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/**
 * The shelves of the conversion by subject, from the ground up: each names those below it that it may import. On top stands the order.
 */
const shelvesUp = {
  // What everything speaks of: run, step, proof, finding, load balancer, topology of etcd.
  context: [],
  // What nodes and the cluster say of themselves, and what it means.
  facts: ['context'],
  endpoint: ['context', 'facts'],
  certificates: ['context', 'facts', 'endpoint'],
  // Who talks to an API server: kubelets, kube-proxy, controller-manager, scheduler, CoreDNS, kubeconfigs.
  clients: ['context', 'facts', 'endpoint'],
  etcd: ['context', 'facts', 'endpoint', 'certificates'],
  'load-balancers': ['context', 'facts', 'endpoint', 'clients'],
  alike: ['context', 'facts', 'endpoint', 'certificates', 'load-balancers'],
  joining: ['context', 'facts', 'endpoint', 'clients', 'etcd', 'alike'],
  undo: ['context', 'facts', 'endpoint', 'clients'],
  checks: ['context', 'facts', 'endpoint', 'certificates', 'clients', 'etcd', 'alike', 'joining'],
  proofs: ['context', 'facts', 'endpoint', 'clients', 'etcd', 'load-balancers', 'alike', 'checks'],
  steps: [
    'context',
    'facts',
    'endpoint',
    'certificates',
    'clients',
    'etcd',
    'load-balancers',
    'alike',
    'joining',
    'undo',
    'checks',
    'proofs',
  ],
} as const satisfies Record<string, readonly string[]>
type Shelf = keyof typeof shelvesUp

const shelf = (name: string): string => `coordinator/src/conversion/${name}`
/** A shelf and all below it. */
const shelves = (name: Shelf): string[] => [...shelvesUp[name].map(shelf), shelf(name)]
const wholeConversion = [...shelves('steps'), 'coordinator/src/conversion']

/** The shelves of the agent's operations in the same way. On top stand the operations, one file each. */
const opsUp = {
  // What every operation is given and returns, and the table of paths.
  context: [],
  network: ['context'],
  'shared-files': ['context'],
  // What a run keeps of a node before it changes it.
  backup: ['context'],
  facts: ['context', 'backup', 'shared-files'],
  'signed-elsewhere': ['context', 'facts'],
  // The cluster's objects, certificates, etcd members, and a join.
  cluster: ['context', 'network', 'backup', 'facts', 'signed-elsewhere'],
  availability: ['context', 'cluster'],
  'load-balancer': ['context', 'network', 'backup', 'facts'],
  'kube-vip': ['context', 'network', 'backup', 'cluster'],
  drill: ['load-balancer'],
} as const satisfies Record<string, readonly string[]>

const ops = (name: string): string => `agent/src/ops/${name}`

/** The rooms of the agent's operations: the shelves, and the operations on top. */
function operations(): Record<string, { may: readonly string[]; doors: readonly string[] }> {
  const below = ['shared/src', 'shared/src/gen', 'agent/src/host']
  const rooms = Object.entries(opsUp).map(([name, may]) => [
    ops(name),
    { may: [...below, ...may.map(ops)], doors: ['node:net'] },
  ])
  const top = { may: [...below, ...Object.keys(opsUp).map(ops)], doors: [] }
  return { ...Object.fromEntries(rooms), 'agent/src/ops': top }
}

/** The rooms of the conversion: its shelves, and the order on top. */
function conversion(): Record<string, { may: readonly string[]; doors: readonly string[] }> {
  const below = [
    'shared/src',
    'shared/src/gen',
    'coordinator/src/config',
    'coordinator/src/engine',
    'coordinator/src/fleet',
    'coordinator/src/state',
  ]
  const rooms = Object.entries(shelvesUp).map(([name, may]) => [
    shelf(name),
    { may: [...below, ...may.map(shelf)], doors: ['node:net'] },
  ])
  const order = { may: [shelf('context'), shelf('steps')], doors: [] }
  return { ...Object.fromEntries(rooms), 'coordinator/src/conversion': order }
}

/**
 * The rooms and who may import whom: the whole rule of the house. A room is a folder or a file; the longest match counts.
 * A room may always import itself. `doors` are the third-party and Node modules that only it may import (beside the free ones).
 */
const rooms: Record<string, { may: readonly string[]; doors: readonly string[] }> = {
  'shared/src/gen': { may: [], doors: ['@bufbuild/protobuf/wire', '@grpc/grpc-js'] },
  'shared/src': {
    may: ['shared/src/gen'],
    // HTTP/2 for the limits of its connections: grpc-js has none for what a server pushes.
    doors: [
      'yaml',
      'node-forge',
      'diff',
      '@grpc/grpc-js',
      '@bufbuild/protobuf/wire',
      'node:tls',
      'node:net',
      'node:http2',
    ],
  },
  'agent/src/host': {
    may: ['shared/src', 'shared/src/gen'],
    doors: [
      'node:child_process',
      'node:fs',
      'node:fs/promises',
      'node:net',
      'node:dgram',
      'node:tls',
      'node:https',
      '@grpc/grpc-js',
      'age-encryption',
    ],
  },
  ...operations(),
  'agent/src/server': {
    may: ['shared/src', 'shared/src/gen', 'agent/src/host', 'agent/src/ops', ops('context'), ops('network')],
    doors: ['@grpc/grpc-js', 'node:net', 'node:tls'],
  },
  // Puts an agent into place on its node, or takes it away; nothing else of the agent runs then.
  'agent/src/install': { may: ['shared/src', 'agent/src/host'], doors: [] },
  'agent/src': {
    may: [
      'agent/src/install',
      'shared/src',
      'shared/src/gen',
      'agent/src/host',
      'agent/src/ops',
      ops('context'),
      ops('backup'),
      'agent/src/server',
    ],
    doors: ['commander', 'zod', 'node:net'],
  },
  'coordinator/src/config': { may: ['shared/src'], doors: ['zod', 'node:fs', 'node:fs/promises', 'node:net'] },
  // What a cluster and an inventory say, drafted as a cluster file; it reads only.
  'coordinator/src/discover': {
    may: ['shared/src', 'coordinator/src/config'],
    doors: ['zod', 'node:fs', 'node:net', 'node:tls', 'node:http', 'node:https', 'node:child_process'],
  },
  'coordinator/src/state': {
    may: ['shared/src', 'coordinator/src/config', 'coordinator/src/engine'],
    doors: ['node:fs', 'node:fs/promises', 'age-encryption', 'zod', 'node:net', 'node:stream/promises'],
  },
  'coordinator/src/fleet': {
    may: ['shared/src', 'shared/src/gen', 'coordinator/src/config'],
    doors: ['@grpc/grpc-js', 'node:tls', 'p-limit'],
  },
  // What is printed as JSON and served by REST: schemas, without effects.
  'coordinator/src/documents': { may: [], doors: ['zod'] },
  // What can fail and what messages mean: literal tables, without effects.
  'coordinator/src/failures': { may: [], doors: [] },
  'coordinator/src/engine': {
    may: ['shared/src', 'shared/src/gen', 'coordinator/src/fleet'],
    doors: ['node:fs', 'node:fs/promises'],
  },
  // What was done with a state folder, signed, and witnessed by agents.
  'coordinator/src/audit': {
    may: [
      'shared/src',
      'coordinator/src/config',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      'coordinator/src/state',
    ],
    doors: ['node:fs', 'node:fs/promises'],
  },
  // Watches the API during a run.
  'coordinator/src/runs/availability': {
    may: [
      'shared/src',
      'shared/src/gen',
      'coordinator/src/config',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      ...shelves('steps'),
    ],
    doors: [],
  },
  // What every run begins from: an open state folder, and the runs in it.
  'coordinator/src/runs/context': {
    may: [
      'shared/src',
      'coordinator/src/audit',
      'coordinator/src/config',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      'coordinator/src/state',
      shelf('context'),
      shelf('checks'),
      'coordinator/src/runs/availability',
    ],
    doors: [],
  },
  'coordinator/src/runs/approvals': {
    may: ['shared/src', 'coordinator/src/config', 'coordinator/src/engine', 'coordinator/src/runs/context'],
    doors: [],
  },
  // What a run of any kind does: plan, convert, resume, rollback, verify, watch.
  'coordinator/src/runs': {
    may: [
      'shared/src',
      'shared/src/gen',
      'coordinator/src/config',
      'coordinator/src/engine',
      'coordinator/src/failures',
      'coordinator/src/fleet',
      'coordinator/src/state',
      ...wholeConversion,
      'coordinator/src/runs/availability',
      'coordinator/src/runs/context',
      'coordinator/src/runs/approvals',
    ],
    doors: [],
  },
  // How one root of the fleet takes over from another.
  'coordinator/src/runs/rotation': {
    may: [
      'shared/src',
      'shared/src/gen',
      'coordinator/src/config',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      'coordinator/src/state',
      'coordinator/src/runs/context',
      'coordinator/src/runs',
    ],
    doors: [],
  },
  // Runs of another order than the conversion's.
  'coordinator/src/runs/drill': {
    may: [
      'shared/src',
      'shared/src/gen',
      'coordinator/src/config',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      ...shelves('steps'),
      'coordinator/src/runs/availability',
      'coordinator/src/runs/context',
      'coordinator/src/runs/approvals',
      'coordinator/src/runs',
    ],
    doors: [],
  },
  'coordinator/src/runs/fix': {
    may: [
      'shared/src',
      'coordinator/src/config',
      'coordinator/src/engine',
      ...shelves('steps'),
      'coordinator/src/runs/context',
      'coordinator/src/runs/approvals',
      'coordinator/src/runs',
    ],
    doors: [],
  },
  // What concerns runs of all kinds alike.
  'coordinator/src/runs/all-kinds': {
    may: [
      'shared/src',
      'coordinator/src/config',
      'coordinator/src/runs/context',
      'coordinator/src/runs/approvals',
      'coordinator/src/runs',
      'coordinator/src/runs/drill',
      'coordinator/src/runs/fix',
    ],
    doors: [],
  },
  ...conversion(),
  // Agents onto nodes by the system's ssh.
  'coordinator/src/deploy': {
    may: [
      'shared/src',
      'coordinator/src/config',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      'coordinator/src/state',
      'coordinator/src/runs/context',
    ],
    doors: ['node:child_process', 'node:fs/promises', 'node:stream/promises', 'node:zlib'],
  },
  'coordinator/src/report': {
    may: [
      'shared/src',
      'shared/src/gen',
      'coordinator/src/documents',
      'coordinator/src/config',
      'coordinator/src/engine',
      ...wholeConversion,
      'coordinator/src/runs',
      'coordinator/src/runs/drill',
    ],
    doors: ['zod'],
  },
  'coordinator/src/cli': {
    may: [
      'coordinator/src/deploy',
      'shared/src',
      'shared/src/gen',
      'coordinator/src/audit',
      'coordinator/src/documents',
      'coordinator/src/config',
      'coordinator/src/discover',
      'coordinator/src/state',
      'coordinator/src/failures',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      ...wholeConversion,
      'coordinator/src/runs',
      'coordinator/src/runs/context',
      'coordinator/src/runs/approvals',
      'coordinator/src/runs/drill',
      'coordinator/src/runs/fix',
      'coordinator/src/runs/rotation',
      'coordinator/src/runs/all-kinds',
      'coordinator/src/report',
    ],
    doors: ['commander', 'picocolors', 'node:readline/promises', 'node:fs', 'node:fs/promises'],
  },
  // What every route shares: its dependencies, response schemas, the format of event streams.
  'coordinator/src/rest/context': {
    may: [
      'coordinator/src/documents',
      'coordinator/src/engine',
      'coordinator/src/report',
      'coordinator/src/runs/context',
      'coordinator/src/runs/approvals',
      'coordinator/src/runs/drill',
    ],
    doors: ['fastify'],
  },
  'coordinator/src/rest/routes': {
    may: [
      'shared/src',
      'coordinator/src/config',
      'coordinator/src/documents',
      'coordinator/src/report',
      'coordinator/src/runs',
      'coordinator/src/runs/context',
      'coordinator/src/runs/approvals',
      'coordinator/src/runs/drill',
      'coordinator/src/runs/fix',
      'coordinator/src/runs/all-kinds',
      'coordinator/src/rest/context',
    ],
    doors: ['fastify'],
  },
  // The server: credentials, errors, the list of routes.
  'coordinator/src/rest': {
    may: [
      'shared/src',
      'coordinator/src/audit',
      'coordinator/src/runs',
      'coordinator/src/runs/context',
      'coordinator/src/rest/context',
      'coordinator/src/rest/routes',
    ],
    doors: [
      'fastify',
      '@fastify/swagger',
      '@fastify/rate-limit',
      'zod',
      'node:tls',
      'node:net',
      'node:https',
      'node:fs/promises',
    ],
  },
  // The files that put the rooms together; one starts this program again, for --detach.
  'coordinator/src': {
    may: [
      'shared/src',
      'coordinator/src/cli',
      'coordinator/src/audit',
      'coordinator/src/config',
      'coordinator/src/runs/availability',
      'coordinator/src/runs/context',
      'coordinator/src/engine',
      'coordinator/src/fleet',
      'coordinator/src/rest',
      'coordinator/src/state',
    ],
    doors: ['node:readline/promises', 'node:child_process', 'node:fs', 'node:sea'],
  },
}

/** What any room may import: no effects on files, processes or the network. */
const free = [
  'node:crypto',
  'node:path',
  'node:os',
  'node:util',
  'node:events',
  'node:buffer',
  'node:stream',
  'node:url',
  'node:timers/promises',
  'node:process',
]

const roomOf = (path: string) =>
  Object.keys(rooms)
    .filter((room) => path === room || path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0]

function violations(from: string, text: string): string[] {
  const room = roomOf(from)
  const rule = room === undefined ? undefined : rooms[room]
  if (room === undefined || rule === undefined) return [`${from} is in no room of the table`]
  const imports = [
    ...text.matchAll(/(?:^|\n)(?:import|export)[^'"\n]*(?:\{[^}]*\})?[^'"\n]*from '([^']+)'|\bimport\('([^']+)'\)/g),
  ]
  return imports.flatMap((match) => {
    const specifier = match[1] ?? match[2] ?? ''
    const file = targetOf(root, from, specifier)
    if (file === undefined)
      return free.includes(specifier) || rule.doors.includes(specifier)
        ? []
        : [`${from}: ${room} is not the door for ${specifier}`]
    const other = roomOf(file)
    return other === room || (other !== undefined && rule.may.includes(other))
      ? []
      : [`${from}: ${room} may not import ${other ?? file}`]
  })
}

const filesOf = (folders: readonly string[]): readonly string[] =>
  folders.flatMap((folder) => filesBelow(join(root, folder))).map((path) => relative(root, path))

const sources = filesOf(['shared/src', 'agent/src', 'coordinator/src'])
/** What builds, measures and imitates the product. */
const around = filesOf(['lab', 'bench', 'docs-pages', 'figures'])

t.test('every import keeps to the table of rooms', async (t) => {
  t.ok(sources.length > 100, 'the sources were found')
  t.same(
    sources.flatMap((path) => violations(path, readFileSync(join(root, path), 'utf8'))),
    [],
  )
})

t.test('the test itself sees a planted violation', async (t) => {
  t.same(violations('agent/src/ops/x.ts', "import { readFile } from 'node:fs/promises'\n"), [
    'agent/src/ops/x.ts: agent/src/ops is not the door for node:fs/promises',
  ])
  t.same(violations('coordinator/src/engine/x.ts', "import type { ConversionRun } from '../conversion/run.js'\n"), [
    'coordinator/src/engine/x.ts: coordinator/src/engine may not import coordinator/src/conversion',
  ])
  t.same(violations('coordinator/src/cli/x.ts', "import { a } from '@quorate/agent/config'\n"), [
    'coordinator/src/cli/x.ts: coordinator/src/cli may not import agent/src',
  ])
  t.same(violations('coordinator/src/rest/routes/x.ts', "import { buildApp } from '../app.js'\n"), [
    'coordinator/src/rest/routes/x.ts: coordinator/src/rest/routes may not import coordinator/src/rest',
  ])
  t.same(violations('shared/src/x.ts', "import {\n  a,\n  b,\n} from 'fastify'\n"), [
    'shared/src/x.ts: shared/src is not the door for fastify',
  ])
})

t.test('no room may import another that may import it', (t) => {
  const reaches = (from: string, seen = new Set<string>()): Set<string> => {
    for (const next of rooms[from]?.may ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      reaches(next, seen)
    }
    return seen
  }
  t.same(
    Object.keys(rooms).filter((room) => reaches(room).has(room)),
    [],
  )
  t.end()
})

/** Files or folders that reach themselves by their imports, types included. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>()
  const found: string[][] = []
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file])
    if (done.has(file) || path.includes(file)) return
    for (const next of imports.get(file) ?? []) walk(next, [...path, file])
    done.add(file)
  }
  for (const file of imports.keys()) walk(file, [])
  return found
}

const files = [...sources, ...around]
const imports = new Map(files.map((path) => [path, importsOf(root, path, readFileSync(join(root, path), 'utf8'))]))
const planted = new Map([
  ['a/1', ['b/1']],
  ['b/1', []],
  ['b/2', ['c/1']],
  ['c/1', ['a/1']],
])

t.test('no file imports itself by way of others, types included', (t) => {
  t.ok(
    around.some((path) => path.startsWith('lab/real/pieces/')) &&
      around.some((path) => path.startsWith('lab/simulated/')),
  )
  t.same(circles(imports), [])
  t.same(circles(planted), [])
  t.same(
    circles(new Map([...planted, ['b/1', ['b/2']]])),
    [['a/1', 'b/1', 'b/2', 'c/1', 'a/1']],
    'a planted one is seen',
  )
  t.end()
})

/** The same imports, from folder to folder. */
function foldersOf(imports: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const folders = new Map<string, string[]>()
  for (const [path, targets] of imports) {
    const folder = dirname(path)
    const others = targets.map((target) => dirname(target)).filter((other) => other !== folder)
    folders.set(folder, [...(folders.get(folder) ?? []), ...others])
  }
  return folders
}

t.test('no folder imports itself by way of others, types included', (t) => {
  t.same(circles(foldersOf(imports)), [])
  t.same(
    circles(foldersOf(planted)),
    [['a', 'b', 'c', 'a']],
    'a planted one is seen, even where no file is in a circle',
  )
  t.end()
})

t.test('the engine walks any order: no word in it of what this one does', (t) => {
  const words = /etcd|kube|quorum|conversion|control.?plane/i
  for (const path of sources.filter((one) => one.startsWith('coordinator/src/engine/')))
    t.same(
      readFileSync(join(root, path), 'utf8')
        .split('\n')
        .filter((line) => words.test(line)),
      [],
      path,
    )
  t.end()
})
