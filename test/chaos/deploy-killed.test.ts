import t from 'tap'
import { endedWith, SshNodes, wholeOf } from '../support/ssh-nodes.js'

/** `QUORATE_DEPLOY_KILLS=all`: each moment on every node; else a sample of them. */
const isWhole = process.env['QUORATE_DEPLOY_KILLS'] === 'all'

/** Each moment, on one node after the other, installed and upgraded in turn; all: on every node in both ways. */
function killsOfDeploy() {
  const calls = ['open', 'look', 'stage', 'apply', 'confirm'].map((_, index) => index + 1)
  const moments = calls.flatMap((call) => ['before', 'at once', 'after'].map((when) => ({ call, when })))
  const places = ['cp1', 'cp2', 'cp3'].flatMap((name) => ['v1', 'v2'].map((release) => ({ name, release })))
  const all = moments.flatMap((moment, nth) => places.map((place, index) => ({ ...moment, ...place, nth, index })))
  return isWhole ? all : all.filter(({ nth, index }) => nth % places.length === index)
}

t.test('kill -9 of deploy at every call to a node: the same command again converges, hashes equal', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  nodes.agent('v2')
  endedWith(t, await nodes.deploy(), 0)
  const clean = wholeOf(nodes, 'cp1')
  endedWith(t, await nodes.deploy(['--yes'], { release: 'v2' }), 0)
  const upgraded = wholeOf(nodes, 'cp1')
  for (const { name, release, call, when } of killsOfDeploy()) {
    endedWith(t, await nodes.deploy(['--yes', '--remove', '--limit', name]), 0)
    if (release === 'v2') endedWith(t, await nodes.deploy(['--yes', '--limit', name]), 0)
    nodes.unset(name, 'calls')
    nodes.set(name, 'die', `${call} ${when}`)
    const killed = await nodes.deploy(['--yes', '--limit', name], { release })
    t.equal(killed.exitCode, 128, `${name}, ${release}, killed ${when} call ${call}`)
    nodes.unset(name, 'die')
    endedWith(t, await nodes.deploy(['--yes', '--limit', name], { release }), 0)
    t.same(wholeOf(nodes, name), release === 'v1' ? clean : upgraded, `${name}, ${release}, ${when} call ${call}`)
  }
  endedWith(t, await nodes.quorate(['nodes']), 0)
})

t.test(
  'kill -9 of the installation on a node before each change there: the same command again converges',
  async (t) => {
    const nodes = await SshNodes.start(t, { workers: 0 })
    endedWith(t, await nodes.deploy(), 0)
    const whole = wholeOf(nodes, 'cp1')
    let deaths = 0
    for (let change = isWhole ? 1 : 2; ; change += isWhole ? 1 : 3) {
      nodes.clean('cp1')
      nodes.set('cp1', 'die-in-install', String(change))
      const cut = await nodes.deploy(['--yes', '--limit', 'cp1'])
      if (cut.exitCode === 0) break
      deaths++
      nodes.unset('cp1', 'die-in-install')
      endedWith(t, await nodes.deploy(['--yes', '--limit', 'cp1']), 0)
      t.same(wholeOf(nodes, 'cp1'), whole, `killed before change ${change}`)
    }
    t.ok(deaths > (isWhole ? 20 : 6), `${deaths} moments`)
  },
)
