/**
 * `quorate deploy` by the system's ssh to real sshd, sudo and systemd: root by key, sudo without and with a password, a jump host, a changed host
 * key; then the cluster is converted by the agents that it installed, and they are removed again. `npx tap --timeout=2400 test/faults/deploy.test.ts`; root.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { sshPackages } from '../../lab/real/machines/cache.js'
import { ensurePrograms } from '../../lab/real/machines/programs.js'
import { capture, must } from '../../lab/real/machines/shell.js'
import {
  knowHosts,
  operatorsSsh,
  password,
  serveSsh,
  type WayOfSsh,
  writeClusterFileBySsh,
} from '../support/lab-ssh.js'
import { labForTest } from '../support/real-lab.js'

const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'
/** Root by key, sudo, and one behind another. */
const waysOf = (short: string): WayOfSsh => ({
  user: short === 'cp1' ? 'root' : 'admin',
  ...(short === 'w2' ? { jump: 'cp1' } : {}),
})

const sudoOf: Readonly<Record<string, string>> = { cp2: 'admin ALL=(ALL) ALL\n' }
const withoutPassword = 'admin ALL=(ALL) NOPASSWD: ALL\n'

t.test(`Kubernetes ${version}`, async (t: Test) => {
  const lab = await labForTest(t, version, { agents: false })
  await ensurePrograms(process.cwd())
  const { folder, publicKey } = await operatorsSsh(lab, waysOf)
  const packages = await sshPackages()
  await Promise.all(
    lab.nodes.map((node) => serveSsh(node, { packages, publicKey }, sudoOf[node.spec.short] ?? withoutPassword)),
  )
  writeClusterFileBySsh(lab)
  const quorate = (args: readonly string[], input = '') => {
    const [command, argv] = lab.quorate(args)
    return capture('env', [`PATH=${folder}:${process.env['PATH']}`, command, ...argv], { input })
  }
  const deploy = (...more: readonly string[]) => quorate(['deploy', '-f', lab.clusterFile, ...more])

  await t.test('an unknown host without a terminal is one sentence, and nothing is written', async (t) => {
    const { exitCode, stdout, stderr } = await deploy('--yes')
    t.equal(exitCode, 3, stdout + stderr)
    t.match(stdout + stderr, /host key|known_hosts/i)
    for (const node of lab.nodes) t.equal((await node.sh(['ls', '/etc/quorate'])).exitCode, 2)
  })

  await t.test('each node by its way; the one whose sudo wants a password is told, and done with it', async (t) => {
    await knowHosts(lab, folder)
    const first = await deploy('--yes')
    t.comment(first.stdout)
    t.equal(first.exitCode, 3, first.stdout + first.stderr)
    t.match(first.stdout, /--ask-sudo-password/)
    const second = await quorate(
      ['deploy', '-f', lab.clusterFile, '--yes', '--ask-sudo-password', '--limit', lab.node('cp2').spec.name],
      `${password}\n`,
    )
    t.comment(second.stdout)
    t.equal(second.exitCode, 0, second.stdout + second.stderr)
    const again = await deploy('--check')
    t.match(again.stdout, /./)
    t.notMatch(readFileSync(join(folder, 'asked'), 'utf8'), new RegExp(`${password}|PRIVATE KEY`))
  })

  await t.test('a changed host key is said, and that node is left alone', async (t) => {
    const file = join(folder, 'known_hosts')
    const before = readFileSync(file, 'utf8')
    const other = (
      await must('sh', ['-c', `ssh-keygen -q -t ed25519 -N '' -f ${folder}/other && cat ${folder}/other.pub`])
    ).split(' ')
    const { address, spec } = lab.node('w1')
    writeFileSync(file, before.replace(new RegExp(`^${address} .*$`, 'm'), `${address} ${other.slice(0, 2).join(' ')}`))
    const { exitCode, stdout, stderr } = await deploy('--yes', '--limit', spec.name)
    t.equal(exitCode, 3, stdout + stderr)
    t.match(stdout + stderr, /host key/i)
    writeFileSync(file, before)
  })

  await t.test('its agents convert the cluster, and are removed after the undo', async (t) => {
    const nodes = await quorate(['nodes'])
    t.equal(nodes.exitCode, 0, nodes.stdout + nodes.stderr)
    const converted = await quorate(['convert', '-f', lab.clusterFile, '--yes'])
    t.equal(converted.exitCode, 0, converted.stdout + converted.stderr)
    const run = /\brun (\d{8}t\d{6}-[0-9a-f]{6})\b/.exec(converted.stdout)?.[1] ?? ''
    const undone = await quorate(['rollback', run, '--yes'])
    t.equal(undone.exitCode, 0, undone.stdout + undone.stderr)
    const removed = await quorate(
      ['deploy', '-f', lab.clusterFile, '--remove', '--yes', '--ask-sudo-password'],
      `${password}\n`,
    )
    t.equal(removed.exitCode, 0, removed.stdout + removed.stderr)
    for (const node of lab.nodes)
      t.equal(
        (await node.sh(['sh', '-c', 'ls -d /etc/quorate /var/lib/quorate-agent /usr/bin/quorate-agent'])).stdout,
        '',
      )
  })
})
