import { readFileSync } from 'node:fs'
import { strayManifests } from '@quorate/coordinator/conversion/checks/stray-manifests'
import { OtherStaticPod } from '@quorate/shared/gen/quorate/v1/facts'
import { kmsSocketsIn, readOtherStaticPod } from '@quorate/shared/other-static-pod'
import { filePlace } from '@quorate/shared/text-place'
import type { Test } from 'tap'
import { fakeRun } from '../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld, type World } from '../../support/paper-cluster/world.js'
import type { PublicCase } from './case.js'
import { inFile } from './put.js'

const place = filePlace('/etc/kubernetes/manifests/etcd.yaml')

const { cp1, cp2, cp3 } = nodeNames
const folder = '/etc/kubernetes/manifests'

const manifest = (name: string, image: string, more: readonly string[] = []): string =>
  `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: kube-system
spec:
  hostNetwork: true
  containers:
  - name: ${name}
    image: ${image}
${more.join('\n')}
`
const args = (...words: readonly string[]) => `    args: [${words.map((word) => JSON.stringify(word)).join(', ')}]`
const hostPath = (path: string) => `  volumes:\n  - name: v\n    hostPath: {path: ${path}}`

const encryption = (...endpoints: readonly string[]): string => `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
${endpoints.map((endpoint) => `  - kms: {apiVersion: v2, name: p, endpoint: "${endpoint}"}`).join('\n')}
  - identity: {}
`

function add(world: World, node: string, file: string, text: string): void {
  const { images, hostPaths, command, ...rest } = readOtherStaticPod(text, place)
  world.facts[node]?.strayManifests.push(file)
  const lists = { images: [...images], hostPaths: [...hostPaths], command: [...command] }
  world.facts[node]?.otherStaticPods.push(OtherStaticPod.fromPartial({ file, ...rest, ...lists }))
}

interface KmsTrial {
  readonly endpoint: string
  readonly file: string
  readonly text: string
  /** What the second control plane has of it. */
  readonly onSecond?: 'manifest' | 'socket'
}

/** On the first control plane it stays; each joiner that lacks it is an error that names the file to copy. */
const decrypts =
  ({ endpoint, file, text, onSecond }: KmsTrial) =>
  async (t: Test): Promise<void> => {
    const world = soundWorld()
    const sockets = kmsSocketsIn(encryption(endpoint), place)
    t.equal(sockets.length, 1, 'the socket of the encryption configuration')
    world.facts[cp1]?.kmsSockets.push(...sockets)
    add(world, cp1, file, text)
    if (onSecond === 'manifest') add(world, cp2, file, text)
    if (onSecond === 'socket') world.facts[cp2]?.listeningUnixSockets.push(...sockets)
    const found = await strayManifests.check(fakeRun(world))
    t.notOk(
      found.some(({ remedy }) => /\bmv\b|\brm\b/.test(remedy)),
      'nothing is to be moved away',
    )
    const stays = found.filter(({ severity }) => severity === 'info').map(({ node }) => node)
    t.same(stays, onSecond === 'manifest' ? [cp1, cp2] : [cp1])
    const errors = found.filter(({ severity }) => severity === 'error')
    t.same(
      errors.map(({ node }) => node),
      onSecond === undefined ? [cp2, cp3] : [cp3],
    )
    for (const { remedy } of errors) t.match(remedy, `Copy ${folder}/${file} from ${cp1} to ${folder}/ on this node`)
    t.notOk(found.some(({ severity }) => severity === 'warning'))
  }

const kms = (id: string, source: string, trial: KmsTrial): PublicCase => ({
  id: `kms-plugin-as-static-pod-${id}`,
  kind: 'C',
  source: [source],
  input: `the API server encrypts with a KMS plugin that runs as the static pod ${trial.file}`,
  outcome: 'blocked',
  answer: 'The pod stays. Each joiner without the plugin is an error that names the file to copy before the join.',
  trial: { call: decrypts(trial) },
})

const aws = manifest('aws-encryption-provider', 'registry.example.com/aws-encryption-provider:v0.3', [
  args('--key=arn:aws:kms:x', '--listen=/var/run/kmsplugin/socket.sock'),
  hostPath('/var/run/kmsplugin'),
])

interface OwnTrial {
  readonly file: string
  readonly text: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly remedy: RegExp
}

const put = (id: string, source: string, [input, answer]: readonly [string, string], trial: OwnTrial): PublicCase => ({
  ...{ id, kind: 'C', source: [source], input, answer },
  outcome: ({ error: 'blocked', warning: 'reported', info: 'accepted' } as const)[trial.severity],
  trial: {
    plan: {
      put: inFile('cp1', `${folder}/${trial.file}`, () => trial.text),
      finds: [{ check: 'stray-manifests', severity: trial.severity, on: 'cp1', remedy: trial.remedy }],
    },
  },
})

const staysAsItIs = 'A note that it is a load balancer of the operator and stays; nothing is to be moved.'
const nothingToDo = /^Nothing to do(?!.*\bmv\b)/

/** Pods of the manifests folder that are none of kubeadm's, by what relies on them. */
export const otherStaticPods: readonly PublicCase[] = [
  kms('aws', 'kubernetes-sigs/aws-encryption-provider, README', {
    endpoint: 'unix:///var/run/kmsplugin/socket.sock',
    file: 'aws-encryption-provider.yaml',
    text: aws,
  }),
  kms('barbican', 'kubernetes/cloud-provider-openstack#1313', {
    endpoint: 'unix:///var/lib/kms/kms.sock',
    file: 'barbican-kms.yaml',
    text: manifest('barbican-kms', 'registry.k8s.io/provider-os/barbican-kms-plugin:v1.31.0', [
      args('--socketpath=/kms/kms.sock'),
      hostPath('/var/lib/kms/'),
    ]),
  }),
  kms('vault', "HashiCorp's Vault KMS guide", {
    endpoint: 'unix:///run/vault-kms/vault.sock',
    file: 'vault-kms',
    text: manifest('vault-kms', 'registry.example.com/vault-kms:1', [
      args('--socket', 'unix:///var/run/vault-kms/vault.sock'),
    ]),
  }),
  kms('copied', 'kubernetes/website, Using a KMS provider for data encryption', {
    ...{ endpoint: 'unix:///var/run/kmsplugin/socket.sock', file: 'kms.yaml', text: aws },
    onSecond: 'manifest',
  }),
  kms('as-unit-there', 'kubernetes-sigs/cluster-api#3019', {
    ...{ endpoint: 'unix:///var/run/kmsplugin/socket.sock', file: 'kms.yaml', text: aws },
    onSecond: 'socket',
  }),
  put(
    'nginx-proxy-static-pod',
    'kubernetes-sigs/kubespray, nginx-proxy',
    ['nginx-proxy of kubespray runs as a static pod on the first control plane', staysAsItIs],
    {
      file: 'nginx-proxy.yml',
      text: manifest('nginx-proxy', 'docker.io/library/nginx:1.25.2-alpine', [hostPath('/etc/nginx')]),
      severity: 'info',
      remedy: nothingToDo,
    },
  ),
  put(
    'haproxy-static-pod',
    'kubernetes/kubeadm, docs/ha-considerations.md; kubesphere/kubekey#560',
    ["haproxy runs as a static pod, as in kubeadm's guide and of KubeKey", staysAsItIs],
    {
      file: 'haproxy.yaml',
      text: manifest('haproxy', 'haproxy:2.8', [hostPath('/usr/local/etc/haproxy')]),
      severity: 'info',
      remedy: nothingToDo,
    },
  ),
  put(
    'kube-vip-static-pod',
    'kube-vip/kube-vip#684',
    ["a kube-vip of the operator's own runs as a static pod", staysAsItIs],
    {
      file: 'kube-vip.yaml',
      text: manifest('kube-vip', 'ghcr.io/kube-vip/kube-vip:v0.8.0', [args('manager')]),
      severity: 'info',
      remedy: nothingToDo,
    },
  ),
  put(
    'unknown-static-pod',
    'kubernetes/website, Create static Pods',
    ['a static pod of the operator that nothing here knows', 'A warning: it stays, and joiners do not get it.'],
    {
      file: 'node-agent.yaml',
      text: manifest('node-agent', 'registry.example.com/node-agent:3'),
      severity: 'warning',
      remedy: /copy \/etc\/kubernetes\/manifests\/node-agent\.yaml.*after it has joined/,
    },
  ),
  {
    id: 'copy-of-a-manifest',
    kind: 'C',
    source: ['kubernetes/kubernetes#55596'],
    input: "a copy of the scheduler's manifest under another name",
    outcome: 'blocked',
    answer: 'An error with the command that moves it away.',
    trial: {
      plan: {
        put: (cluster) =>
          inFile('cp1', `${folder}/kube-scheduler.yaml.orig`, () =>
            readFileSync(`${cluster.node('cp1').root}${folder}/kube-scheduler.yaml`, 'utf8'),
          )(cluster),
        finds: [
          {
            ...{ check: 'stray-manifests', severity: 'error', on: 'cp1' },
            message: /as a second kube-scheduler/,
            remedy: /^On that node: mv \/etc\/kubernetes\/manifests\/kube-scheduler\.yaml\.orig \/root\/$/,
          },
        ],
      },
    },
  },
  put(
    'no-pod-in-manifests',
    'kubernetes/kubeadm#2823',
    ['notes in the folder of static pods', 'An error with the command that moves them away.'],
    { file: 'README', text: 'do not touch\n', severity: 'error', remedy: /^On that node: mv / },
  ),
]
