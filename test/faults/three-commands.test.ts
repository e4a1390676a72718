/**
 * From an empty machine with the system package to a converted cluster, by what a person types: discover, deploy, convert. The terminal is recorded as
 * docs/three-commands.svg. `npx tap --timeout=2400 test/faults/three-commands.test.ts`; root, tmux, and the package of `npm run release`.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { ignoredPreflightErrors, type Lab } from '../../lab/real/lab.js'
import { sshPackages } from '../../lab/real/machines/cache.js'
import { must } from '../../lab/real/machines/shell.js'
import { serveSsh, unpackOnto } from '../support/lab-ssh.js'
import { labForTest } from '../support/real-lab.js'
import { Typed } from '../support/typed.js'

const root = resolve(import.meta.dirname, '../..')
const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'
const { version: ours } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const systemPackage = join(root, `out/release/quorate_${ours}-1_amd64.deb`)

/** The machine on which the operator types: ssh's client, its key and known hosts, a kubeconfig, and the package of quorate. */
async function prepareOperator(lab: Lab): Promise<void> {
  const op = lab.node('op')
  const packages = await sshPackages()
  await unpackOnto(op, packages)
  await op.must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/root/.ssh/id_ed25519'])
  const publicKey = await op.must(['cat', '/root/.ssh/id_ed25519.pub'])
  const nodes = [...lab.controlPlanes, ...lab.workers]
  await Promise.all(nodes.map((node) => serveSsh(node, { packages, publicKey }, 'admin ALL=(ALL) NOPASSWD: ALL\n')))
  const keys = await Promise.all(
    nodes.map(async (node) => {
      const [type, key] = (await node.must(['cat', '/etc/ssh/ssh_host_ed25519_key.pub'])).split(' ')
      return `${node.spec.name},${node.address} ${type} ${key}`
    }),
  )
  await op.put('/root/.ssh/known_hosts', `${keys.join('\n')}\n`, '0600')
  await op.put('/root/.kube/config', await lab.node('cp1').must(['cat', '/etc/kubernetes/admin.conf']), '0600')
  await must('cp', [systemPackage, join(op.root, 'root/quorate.deb')])
  await op.must(['dpkg', '--install', '/root/quorate.deb'])
}

t.test(`Kubernetes ${version}`, async (t: Test) => {
  const lab = await labForTest(t, version, { agents: false, with: ['operator-machine'] })
  await prepareOperator(lab)
  const op = lab.node('op')
  const terminal = await Typed.start(t, op)
  const joining = ['cp2', 'cp3'].map((short) => `--join ${lab.node(short).spec.name}=${lab.node(short).address}`)

  await t.test('quorate discover drafts the cluster file', async (t) => {
    const code = await terminal.type(
      `quorate discover --kubeconfig ~/.kube/config ${joining.join(' ')} --name prod --endpoint apiserver.example.com:8443 --propose-virtual-ip > cluster.yaml`,
      {},
    )
    t.equal(code, 0, await terminal.said())
    t.comment(await op.must(['cat', '/root/cluster.yaml']))
  })

  // What a lab needs and machines do not: its nodes are containers, and it has no name server.
  const policy = `policy: {manageHosts: true, ignorePreflightErrors: [${ignoredPreflightErrors.join(', ')}]}`
  await op.must(['sh', '-c', 'echo "$0" >> /root/cluster.yaml', policy])

  await t.test('quorate deploy installs the agents', async (t) => {
    t.equal(await terminal.type('quorate deploy -f cluster.yaml', { '[y/n]': 'y' }), 0, await terminal.said())
  })

  await t.test('quorate convert converts, and the cluster is highly available', async (t) => {
    t.equal(await terminal.type('quorate convert -f cluster.yaml', { '[y/n]': 'y' }), 0, await terminal.said())
    const { exitCode, stdout, stderr } = await op.sh(['quorate', 'verify', '-f', '/root/cluster.yaml'])
    t.equal(exitCode, 0, stdout + stderr)
  })

  // Questions and answers, what each node got, and what clients noticed.
  await terminal.record(
    join(root, 'docs/three-commands.svg'),
    /\[y\/n\]|MiB sent|requests, \d+ failed|^\w.* is highly available|^Converted|^Run \d/,
  )
})
