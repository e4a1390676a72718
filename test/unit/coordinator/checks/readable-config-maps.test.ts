import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import { assess } from '@quorate/coordinator/conversion/checks/assess'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { configMap, soundWorld, type World } from '../../../support/paper-cluster/world.js'

/** All that the checks find but for what the paper world always has, and for its clocks, which stand still. */
async function found(breaks: (world: World) => void) {
  const checks = allChecks.filter(({ id }) => id !== 'clocks')
  const sound = await assess(fakeRun(soundWorld()), checks)
  const known = new Set(sound.findings.map(({ id, message }) => `${id} ${message}`))
  const world = soundWorld()
  breaks(world)
  const { findings } = await assess(fakeRun(world), checks)
  return findings.filter(({ id, message }) => !known.has(`${id} ${message}`))
}

const edit = (namespace: string, name: string) => `kubectl -n ${namespace} edit configmap ${name}`

interface Place {
  readonly key: 'kubeProxy' | 'kubeProxyConfig' | 'clusterInfo' | 'kubeletConfig' | 'kubeadmConfig'
  readonly object: string
  readonly what: string
  readonly remedy: string
}

const places: readonly Place[] = [
  ['kubeProxy', 'kube-system', 'kube-proxy', 'kubeconfig.conf'],
  ['kubeProxyConfig', 'kube-system', 'kube-proxy', 'config.conf'],
  ['clusterInfo', 'kube-public', 'cluster-info', 'kubeconfig'],
  ['kubeletConfig', 'kube-system', 'kubelet-config', 'kubelet'],
  ['kubeadmConfig', 'kube-system', 'kubeadm-config', 'ClusterConfiguration'],
].map(([key, namespace = '', name = '', what = '']) => ({
  key: key as Place['key'],
  object: `configmap/${namespace}/${name}`,
  what,
  remedy: edit(namespace, name),
}))

const bad: Readonly<Record<string, readonly [text: string, line: number]>> = {
  empty: ['', 1],
  'a tab': ['a: 1\nb:\n\t- c\n', 3],
  'a list': ['- a\n- b\n', 1],
  'a number': ['42\n', 1],
  'a key twice': ['kind: Config\na: 1\na: 2\n', 3],
  'an alias of itself': ['a: 1\nb: &b\n  c: *b\n', 3],
  deep: ['['.repeat(20_000), 1],
}

for (const { key, object, what, remedy } of places) {
  t.test(`${what} of ${object} is one finding with object, key, line and command`, async (t) => {
    for (const [name, [text, line]] of Object.entries(bad)) {
      if (key === 'kubeadmConfig' && text === '') continue // not-kubeadm
      const findings = await found((world) => {
        world.cluster[key] = configMap(text)
      })
      t.match(findings, [{ id: 'readable-config-maps', severity: 'error' }], name)
      t.equal(findings.length, 1, `${name}: ${findings.map(({ id, message }) => `${id} ${message}`)}`)
      const [finding] = findings
      t.match(finding?.evidence, `${object}: ${what}, line ${line}:`, name)
      t.match(finding?.remedy, `${remedy}, then in line ${line} of ${what}: `, name)
      t.notMatch(JSON.stringify(finding), /Error\b/, 'no exception by its name')
    }
  })
}
