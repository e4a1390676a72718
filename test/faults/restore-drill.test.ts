/** The runbook's page for the day on which all control planes are lost, word for word on real nodes. `npm run test:faults`; root; about four minutes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { capture, must } from '../../lab/real/machines/shell.js'
import { labForTest, newestRun } from '../support/real-lab.js'

const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'

/** The commands of a point of the page, with this lab's words in place of the page's. */
function commandsOf(point: number, words: Readonly<Record<string, string>>): string {
  const page = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8').split('## all-lost')[1] ?? ''
  const [, block = ''] = new RegExp(`\\n${point}\\. [\\s\\S]*?\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  const named = block.replace(/\b(NODE|IP|VERSION)\b/g, (word) => words[word] ?? word)
  return `set -e\ncd /root\n${named}`
}

t.test(`Kubernetes ${version}: all control planes lost, and back`, async (t) => {
  const lab = await labForTest(t, version)
  const convert = () => capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
  const first = await convert()
  t.equal(first.exitCode, 0, first.stderr)
  const run = newestRun(lab)
  const cp1 = lab.node('cp1')

  for (const node of lab.controlPlanes) node.kill()
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  for (const node of lab.controlPlanes) await node.wipe()
  await Promise.all(lab.controlPlanes.map((node) => node.boot(lab.hosts)))
  await Promise.all(lab.controlPlanes.map((node) => node.loadImages('control-plane')))
  await lab.installAgents()
  const started = Date.now()

  for (const kind of ['files', 'etcd']) {
    const folder = join(lab.folder, `restored-${kind}`)
    const restored = await capture(...lab.quorate(['backup', 'restore', run, cp1.spec.name, kind, '--to', folder]))
    t.equal(restored.exitCode, 0, restored.stderr)
    await must('cp', ['-a', folder, join(cp1.root, 'root')])
  }
  const words = { NODE: cp1.spec.name, IP: cp1.address, VERSION: version }
  await cp1.must(['sh', '-c', commandsOf(3, words)])
  const answers = 'for i in $(seq 90); do kubectl get nodes >/dev/null 2>&1 && exit 0; sleep 1; done; exit 1'
  await cp1.must(['sh', '-c', answers])
  const phase = version.startsWith('v1.30') ? 'all' : 'enable-client-cert-rotation'
  await cp1.must(['kubeadm', 'init', 'phase', 'kubelet-finalize', phase])
  await cp1.must(['systemctl', 'restart', 'kubelet'])

  for (const worker of lab.workers) await worker.must(['sh', '-c', commandsOf(5, words)])

  // Nothing is changed while something blocks it: components that have just started, on a machine that is busy.
  let second = await convert()
  for (let tries = 0; second.exitCode === 3 && tries < 20; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    second = await convert()
  }
  t.equal(second.exitCode, 0, second.stdout.slice(-3000) + second.stderr)
  t.comment(`from three empty machines to three control planes in ${Math.round((Date.now() - started) / 1000)} s`)
  const verify = await capture(...lab.quorate(['verify', '-f', lab.clusterFile]))
  t.equal(verify.exitCode, 0, verify.stdout)
  const workers = await lab.node('cp2').must(['kubectl', 'get', 'nodes', '-o', 'name'])
  for (const worker of lab.workers) t.match(workers, worker.spec.name)
})
