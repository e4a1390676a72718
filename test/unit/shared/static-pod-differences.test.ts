import { readFlags } from '@quorate/shared/flags'
import type { StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { maskBy } from '@quorate/shared/mask'
import type { NodeOwn } from '@quorate/shared/node-own'
import { podDifferences } from '@quorate/shared/static-pod-differences'
import { filePlace } from '@quorate/shared/text-place'
import t from 'tap'
import { podFacts } from '../../../agent/src/ops/facts/static-pods.js'
import { type FixtureVersion, fixture } from '../../support/fixtures.js'

const place = filePlace('/etc/kubernetes/manifests/etcd.yaml')

const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const
const first: NodeOwn = { names: ['k8smaster1.example.com'], addresses: ['192.168.13.30'] }
const second: NodeOwn = { names: ['k8smaster2.example.com'], addresses: ['192.168.13.31'] }

const mask = maskBy(Buffer.from('key'))

const podsOf = (version: FixtureVersion, folder: string): StaticPodFacts[] =>
  components.map((component) => podFacts(fixture(version, `${folder}/manifests/${component}.yaml`), mask, place))

/** Only a member without data reads it: each node has its own. */
const onceRead = ['initial-cluster-state']

for (const version of ['v1.30.4', 'v1.37.2'] as const) {
  const [before, joined] = [podsOf(version, 'before'), podsOf(version, 'after/cp2')]
  const compare = (other: readonly StaticPodFacts[]) =>
    podDifferences({ pods: before, own: first }, { pods: other, own: second })
  const changed = (component: string, change: (pod: StaticPodFacts) => Partial<StaticPodFacts>) =>
    joined.map((pod) => (pod.component === component ? { ...pod, ...change(pod) } : pod))

  t.test(`${version}: what real kubeadm made of the first and of a joiner does not differ`, async (t) => {
    t.same(compare(joined), [])
  })

  for (const component of components) {
    const command = joined.find((pod) => pod.component === component)?.command ?? []
    const flags = readFlags(command).filter(({ name }) => !onceRead.includes(name))

    t.test(`${version} ${component}: each flag out of step, one by one, is named with both values`, async (t) => {
      t.ok(flags.length > 4)
      for (const { name, value } of flags) {
        const words = (change: (word: string) => string[]) =>
          changed(component, (pod) => ({
            command: pod.command.flatMap((word) => (word.startsWith(`--${name}=`) ? change(word) : [word])),
          }))
        const [removed, ...moreRemoved] = compare(words(() => []))
        t.match(removed, { component, kind: 'flag', name, other: [] }, `without --${name}`)
        t.equal(moreRemoved.length, 0)
        const [other, ...more] = compare(words(() => [`--${name}=elsewhere`]))
        t.match(other, { component, kind: 'flag', name, other: ['elsewhere'] }, `another --${name}`)
        t.equal(more.length, 0)
        const twice = compare(words((word) => [word, `--${name}=again`]))
        t.match(twice, [{ component, kind: 'flag', name, other: [value, 'again'] }], `--${name} twice`)
      }
      const added = compare(changed(component, (pod) => ({ command: [...pod.command, '--zzz', 'new'] })))
      t.match(added, [{ component, kind: 'flag', name: 'zzz', one: [], other: ['new'] }])
    })

    t.test(`${version} ${component}: image, environment, mounts and settings`, async (t) => {
      t.match(compare(changed(component, () => ({ image: 'elsewhere/x:1' }))), [{ component, kind: 'image' }])
      t.match(compare(changed(component, () => ({ env: [{ name: 'GODEBUG', value: 'x509sha1=1' }] }))), [
        { component, kind: 'env', name: 'GODEBUG', one: [], other: ['x509sha1=1'] },
      ])
      const mount = {
        name: 'audit',
        hostPath: '/var/log/audit',
        type: '',
        mountPath: '/var/log/audit',
        readOnly: false,
      }
      t.match(compare(changed(component, (pod) => ({ mounts: [...pod.mounts, mount] }))), [
        { component, kind: 'mount', name: '/var/log/audit', one: [], other: ['/var/log/audit'] },
      ])
      const settings = (key: string, value: string) =>
        changed(component, (pod) => ({ settings: { ...pod.settings, [key]: value } }))
      for (const key of ['hostNetwork', 'dnsPolicy', `containers[${component}].resources.requests.cpu`])
        t.match(compare(settings(key, 'other')), [{ component, kind: 'setting', name: key, other: ['other'] }], key)
      t.match(compare(joined.filter((pod) => pod.component !== component)), [{ component, kind: 'pod', other: [] }])
    })
  }

  t.test(`${version}: other words for the same are no difference`, async (t) => {
    const same = (component: string, from: string, to: readonly string[]) => {
      const words = changed(component, (pod) => ({
        command: pod.command.flatMap((word) => (word === from ? to : [word])),
      }))
      t.same(compare(words), [], to.join(' '))
    }
    same('kube-apiserver', '--secure-port=6443', ['--secure-port', '6443'])
    same('kube-apiserver', '--allow-privileged=true', ['--allow-privileged'])
    same('kube-apiserver', '--allow-privileged=true', ['--allow_privileged=True'])
    same('kube-controller-manager', '--controllers=*,bootstrapsigner,tokencleaner', [
      '--controllers=tokencleaner,*,bootstrapsigner',
    ])
    same('kube-scheduler', '--leader-elect=true', ['--leader-elect=true', '--leader-elect=true'])
    const reversed = joined.map((pod) => ({
      ...pod,
      command: [pod.command[0] ?? '', ...pod.command.slice(1).reverse()],
    }))
    t.same(compare(reversed), [], 'the order of flags')
  })
}

t.test('where the order means something, another one is a difference', async (t) => {
  const pods = (...words: string[]) => ({ pods: [podOf('kube-apiserver', words)], own: first })
  const issuers = ['--service-account-issuer=https://a', '--service-account-issuer=https://b']
  t.equal(podDifferences(pods(...issuers), pods(...issuers)).length, 0)
  t.match(podDifferences(pods(...issuers), pods(...[...issuers].reverse())), [{ name: 'service-account-issuer' }])
  const ranges = pods('--service-cluster-ip-range=10.96.0.0/16,fd00::/112')
  t.equal(podDifferences(ranges, pods('--service-cluster-ip-range=fd00::/112,10.96.0.0/16')).length, 1)
})

t.test("a node's own name and address are its own, another's are not", async (t) => {
  const pods = (own: NodeOwn, ...words: string[]) => ({ pods: [podOf('kube-scheduler', words)], own })
  const bind = (own: NodeOwn, address: string) => pods(own, `--bind-address=${address}`)
  t.same(podDifferences(bind(first, '192.168.13.30'), bind(second, '192.168.13.31')), [])
  t.equal(podDifferences(bind(first, '192.168.13.30'), bind(second, '192.168.13.30')).length, 1)
  t.equal(podDifferences(bind(first, '192.168.13.30'), bind(second, '192.168.13.3')).length, 1)
  const [six, seven] = [
    { ...first, addresses: ['fd00::30'] },
    { ...second, addresses: ['fd00::31'] },
  ]
  t.same(podDifferences(pods(six, '--x=https://[fd00::30]:2379'), pods(seven, '--x=https://[fd00::31]:2379')), [])
  // A node that is called like a word of a flag.
  const word = { names: ['kubernetes'], addresses: [] }
  t.same(podDifferences(pods(word, '--cluster-name=kubernetes'), pods(second, '--cluster-name=kubernetes')), [])
})

function podOf(component: string, words: readonly string[]): StaticPodFacts {
  const list = words.map((word) => `    - ${JSON.stringify(word)}\n`).join('')
  return podFacts(
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${component}, labels: {component: ${component}}}\nspec:\n  containers:\n  - name: ${component}\n    image: x\n    command:\n    - ${component}\n${list}`,
    mask,
    place,
  )
}
