import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'

/** What may hold secrets, and is protected as docs/security.md says; all else is looked through. */
const mayHold = [
  ...[
    'state/fleet/ca.key',
    'state/fleet/issuer.pem',
    'state/fleet/coordinator.key',
    'state/backup/identity.age.key',
    'state/rest/token',
  ],
  ...['state/fleet/history.key', 'bundles/'],
  ...['var/lib/quorate-agent/backup.key', 'var/lib/quorate-agent/requests/'],
]

/** Regular files below a folder, which may be absent; agents may write and remove some meanwhile. */
const below = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
        (name) => lstatSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true,
      )
    : []

/** Pieces of every private key and password of the nodes, as they stand there and in base64, by the file that holds them. */
function secretsOf(cluster: SimulatedCluster): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const add = (secret: string, where: string): void => {
    found.set(secret, where)
    // A text in base64 within another one begins at any of three places.
    for (const before of ['', 'a', 'ab'])
      found.set(
        Buffer.from(before + secret)
          .toString('base64')
          .slice(4, -4),
        `${where}, in base64`,
      )
  }
  for (const { name, root } of cluster.nodes)
    for (const folder of ['etc/kubernetes', 'etc/quorate', 'root/.kube'])
      for (const file of below(join(root, folder))) {
        const text = readFileSync(join(root, folder, file), 'utf8')
        const where = `${name}:/${folder}/${file}`
        for (const [, body = ''] of text.matchAll(/PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)/g))
          for (const line of body.trim().split('\n').slice(1, -1)) add(line, where)
        for (const [, data = ''] of text.matchAll(/client-key-data: (\S+)/g)) add(data.slice(100, 160), where)
      }
  return found
}

/** Forms of secrets whose value the test does not know: join tokens, keys of age, keys in PEM. */
const forms = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}/,
  /AGE-SECRET-KEY-1[A-Z0-9]{20}/,
  /\b(?=[a-z0-9.]*\d)[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16}\b(?!\.)/,
  /\bBearer [A-Za-z0-9_-]{20}/,
  /\bcertificate-?key[=: "]+[0-9a-f]{64}/i,
]

t.test('nothing that a conversion and its undo leave behind, say or answer holds a secret', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const said: Record<string, string> = {}
  const quorate = async (...args: string[]) => {
    const answer = await cluster.quorate(args)
    said[`quorate ${args.join(' ')}`] = answer.stdout + answer.stderr
    return answer
  }
  const secrets = new Map(secretsOf(cluster))
  await quorate('plan', '-f', cluster.clusterFile)
  await quorate('plan', '-f', cluster.clusterFile, '-o', 'json')
  ended(t, await quorate('convert', '-f', cluster.clusterFile, '--yes'))
  const run = runOf(cluster)
  // The joiners have keys now; the undo removes them.
  for (const [secret, where] of secretsOf(cluster)) secrets.set(secret, where)
  t.ok(secrets.size > 100, `${secrets.size} pieces of keys are known`)
  for (const what of ['status', 'report']) for (const how of ['text', 'json']) await quorate(what, run, '-o', how)
  await quorate('report', run, '--html', join(cluster.operatorFolder, 'report.html'))
  await quorate('verify', '-f', cluster.clusterFile, '-o', 'json')
  for (const { name } of cluster.nodes) await quorate('audit', 'list', '--node', name, '--lines')
  ended(t, await quorate('rollback', run, '--yes'))
  await quorate('audit', 'list', '--lines')

  const folders = [
    ['state/', cluster.stateFolder],
    ['', cluster.operatorFolder],
    ...cluster.nodes.flatMap(({ name, root }) =>
      ['var/lib/quorate-agent/', 'run/quorate-agent/'].map((folder) => [`${name}:${folder}`, join(root, folder)]),
    ),
  ] as const
  for (const [of, folder] of folders)
    for (const file of of === ''
      ? readdirSync(folder).filter((name) => /\.(?:log|html|yaml)$/.test(name))
      : below(folder))
      if (!mayHold.some((place) => `${of}${file}`.includes(place)))
        said[`${of}${file}`] = readFileSync(join(folder, file), 'latin1')
  t.ok(Object.keys(said).some((name) => name.endsWith(`${run}.jsonl`)))
  t.ok(Object.keys(said).some((name) => name.includes('quorate-agent/calls')))

  const held = Object.entries(said).flatMap(([name, text]) => [
    ...[...secrets].filter(([secret]) => text.includes(secret)).map(([, where]) => `${name}: a key of ${where}`),
    ...forms.flatMap((form) => (form.exec(text) ?? []).slice(0, 1).map((found) => `${name}: ${found.slice(0, 60)}`)),
  ])
  t.same([...new Set(held)], [])
})
