import { controlPlanesAlike } from '@quorate/coordinator/conversion/proofs/control-planes-alike'
import { readFlags } from '@quorate/shared/flags'
import type { StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { maskBy, maskedValue, withoutMasks } from '@quorate/shared/mask'
import { filePlace } from '@quorate/shared/text-place'
import t from 'tap'
import { podFacts } from '../../../../../agent/src/ops/facts/static-pods.js'
import type { Component } from '../../../../../lab/simulated/pod-parts.js'
import { staticPodManifest } from '../../../../../lab/simulated/static-pods.js'
import { releaseOf } from '../../../../../lab/simulated/versions.js'
import { fixture, fixtureVersions } from '../../../../support/fixtures.js'
import { PaperCluster } from '../../../../support/paper-cluster/cluster.js'

const place = filePlace('/etc/kubernetes/manifests/etcd.yaml')

const components: readonly Component[] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd']
const mask = maskBy(Buffer.from('of this test'))
type Manifests = Readonly<Record<string, string>>

const manifests = (text: (component: Component) => string): Manifests =>
  Object.fromEntries(components.map((component) => [component, text(component)]))
const podsOf = (texts: Manifests): StaticPodFacts[] => Object.values(texts).map((text) => podFacts(text, mask, place))

/** Three control planes as kubeadm made them: the first by `init`, the others by `join`. */
interface Made {
  readonly what: string
  readonly pods: readonly [StaticPodFacts[], StaticPodFacts[], StaticPodFacts[]]
  readonly nodes: readonly [Manifests, Manifests, Manifests]
}

function madeOf(what: string, nodes: Made['nodes']): Made {
  const [first, second, third] = nodes
  return { what, nodes, pods: [podsOf(first), podsOf(second), podsOf(third)] }
}

/** Of the third real one its manifests were not kept: they are those of the second with its name and address. */
const asThird = (text: string): string =>
  text.replaceAll('k8smaster2', 'k8smaster3').replaceAll('192.168.13.31', '192.168.13.32')

const real = fixtureVersions.map((version): Made => {
  const [first, second] = ['before', 'after/cp2'].map((folder) =>
    manifests((component) => fixture(version, `${folder}/manifests/${component}.yaml`)),
  ) as [Manifests, Manifests]
  return madeOf(`real ${version}`, [first, second, manifests((one) => asThird(second[one] ?? ''))])
})

const simulated = ['1.28.15', '1.33.13', '1.36.3'].map((number): Made => {
  const release = releaseOf(`v${number}`)
  const made = (last: number): Manifests =>
    manifests((component) =>
      staticPodManifest(component, {
        ...{ release, bindPort: 6443, serviceSubnet: '10.96.0.0/12' },
        ...{ nodeName: nameOf(last), address: addressOf(last) },
        initialCluster: Array.from({ length: last }, (_, at) => `${nameOf(at + 1)}=https://${addressOf(at + 1)}:2380`),
        cluster: {
          ...{ apiVersion: `kubeadm.k8s.io/${release.configApi}`, kind: 'ClusterConfiguration' },
          kubernetesVersion: release.version,
          networking: { podSubnet: '10.244.0.0/16', serviceSubnet: '10.96.0.0/12' },
        } as never,
        ...{ certificatesDir: '/etc/kubernetes/pki', etcdDataDir: '/var/lib/etcd' },
      }),
    )
  return madeOf(`simulated ${number}`, [made(1), made(2), made(3)])
})

function nameOf(last: number): string {
  return `k8smaster${last}.example.com`
}
function addressOf(last: number): string {
  return `192.168.13.${29 + last}`
}

const paper = new PaperCluster('v1.37.2')

/** What the proof of `verify` finds where one manifest of the third control plane has become another text. */
async function found({ pods: [first, second, third] }: Made, component: Component, text: string) {
  const changed = third.map((pod) => (pod.component === component ? podFacts(text, mask, place) : pod))
  for (const [at, pods] of [first, second, changed].entries()) paper.node(`k8smaster${at + 1}`).facts.staticPods = pods
  return (await controlPlanesAlike.prove(paper.run(), new AbortController().signal)).findings
}

/** Lines of the command that set a flag, in the manifest's text. */
const lineOf = (name: string): RegExp => new RegExp(`^( *)- --${name}=.*$`, 'm')

/** Values that are a node's own; the same of another node is wrong here. */
const ofTheFirst = (text: string): string =>
  text.replaceAll(nameOf(3), nameOf(1)).replaceAll(addressOf(3), addressOf(1)).replaceAll('k8smaster3=', 'k8smaster1=')

/** A word where a flag has something about tokens may be one. */
const asTold = (name: string, values: string): string =>
  values
    .split(' and ')
    .map((value) => (value === 'absent' ? value : withoutMasks(maskedValue(mask, `--${name}`, value))))
    .join(' and ')

/** Of a new member it says whether its cluster is new: kubeadm writes it for a joiner alone, and nothing reads it again. */
const history = 'initial-cluster-state'

for (const made of [...real, ...simulated]) {
  t.test(`${made.what}: what kubeadm makes is alike`, async (t) => {
    t.same(await found(made, 'etcd', made.nodes[2]['etcd'] ?? ''), [])
  })
  for (const component of components) {
    t.test(
      `${made.what} ${component}: each flag out of step, one by one, is named with node and both values`,
      async (t) => {
        const text = made.nodes[2][component] ?? ''
        const flagsOf = (one: string) => readFlags(podFacts(one, mask, place).command)
        const firsts = new Map(flagsOf(made.nodes[0][component] ?? '').map(({ name, value }) => [name, value]))
        const flags = flagsOf(text).filter(({ name }) => name !== history)
        t.ok(flags.length > 4)
        const changes = flags.flatMap(({ name, value }) => [
          {
            what: `without --${name}`,
            name,
            text: text.replace(new RegExp(`${lineOf(name).source}\\n`, 'm'), ''),
            is: 'absent',
          },
          {
            what: `another --${name}`,
            name,
            text: text.replace(lineOf(name), `$1- --${name}=elsewhere`),
            is: 'elsewhere',
          },
          {
            ...{ what: `--${name} twice`, name, is: `${value} and again` },
            text: text.replace(lineOf(name), (line) => `${line}\n${line.replace(/=.*/, '=again')}`),
          },
          ...(ofTheFirst(value) === value
            ? []
            : [
                {
                  ...{ what: `--${name} of the first`, name, is: ofTheFirst(value) },
                  text: text.replace(lineOf(name), (line) => ofTheFirst(line)),
                },
              ]),
        ])
        const added = {
          what: 'a flag more',
          name: 'zzz',
          is: 'new',
          text: text.replace(/^( *)- --/m, '$1- --zzz=new\n$1- --'),
        }
        for (const change of [...changes, added]) {
          const [first, is] = [firsts.get(change.name) ?? 'absent', asTold(change.name, change.is)]
          const findings = await found(made, component, change.text)
          const file = `/etc/kubernetes/manifests/${component}.yaml`
          t.match(
            [...findings],
            [
              {
                node: nameOf(3),
                message: `--${change.name} of ${component} differs from ${nameOf(1)}: ${is}; on ${nameOf(1)}: ${first}`,
                severity: change.name === 'initial-cluster' ? 'warning' : 'error',
                ...{ evidence: file, remedy: file },
              },
            ],
            change.what,
          )
          if (findings.length !== 1) t.fail(`${change.what}: ${findings.length} findings`)
        }
      },
    )
  }
}
