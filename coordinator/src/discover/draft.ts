import { isIP } from 'node:net'
import { isDnsName, parseEndpoint } from '@quorate/shared/names'
import { plural } from '@quorate/shared/plural'
import { openQuestion, questionMark } from '../config/open-questions.js'
import type { Machines } from './merge.js'
import { type ClusterSight, inComment, type Machine } from './sight.js'

export interface DraftParts {
  readonly cluster: ClusterSight | undefined
  readonly machines: Machines
  /** Proposed on request: the address and what speaks for it. */
  readonly virtualIP: { readonly address: string; readonly from: string } | undefined
  readonly notes: readonly string[]
  readonly answers: Answers
}

/** What only a person knows, where it was said with the command. */
export interface Answers {
  readonly name?: string | undefined
  /** `DNS-NAME:PORT`. */
  readonly endpoint?: string | undefined
}

const question = `"${openQuestion}"`
const asks = (text: string): string => `   # ${questionMark}${text}`
const says = (text: string): string => `   # ${text}`

/** Words that YAML takes for something else than text. */
const ownMeaning = /^(null|true|false|yes|no|on|off|y|n|~)$/

/** A value as YAML has it: in quotes unless it is plain text for every reader. */
const scalar = (text: string): string =>
  !ownMeaning.test(text) && (isIP(text) === 4 || /^[a-z][a-z0-9.-]*(:\d+)?$/.test(text)) ? text : JSON.stringify(text)

/** The text of a cluster file: each line says where its value comes from, or asks. */
export function draftText(parts: DraftParts): string {
  const { machines } = parts
  return [
    ...header(parts),
    'apiVersion: quorate/v1alpha1',
    'kind: Conversion',
    'metadata:',
    nameLine(parts),
    endpointLine(parts),
    'loadBalancer:',
    ...loadBalancerLines(parts),
    'controlPlanes:',
    ...machines.controlPlanes.map(machineLine),
    ...Array.from({ length: machines.missing }, (_, index) => missingLine(machines.controlPlanes.length + index + 1)),
    ...workerLines(machines.workers),
    '',
  ].join('\n')
}

function header({ cluster, machines, notes }: DraftParts): readonly string[] {
  const about =
    cluster === undefined
      ? 'No cluster was asked: the first control plane must be the one that exists, and each name as `kubectl get nodes` shows it.'
      : `Read from ${inComment(cluster.server)}: Kubernetes ${cluster.version ?? '(unknown version)'}, ` +
        `${plural(cluster.controlPlanes.length, 'control plane')}, ${plural(cluster.workers.length, 'worker')}` +
        `${cluster.apiPort === undefined ? '' : `, API server on port ${cluster.apiPort}`}.`
  return [
    '# Cluster file of Quorate, drafted by `quorate discover`.',
    `# ${question} is a question: write the answer in its place, then run \`quorate plan\`. Every key: docs/cluster-file.md.`,
    ...[about, ...(cluster?.notes ?? []), ...machines.notes, ...notes].map((note) => `# ${note}`),
  ]
}

function nameLine({ cluster, answers }: DraftParts): string {
  const name = answers.name === undefined ? cluster?.name : { value: answers.name, from: '--name' }
  return name === undefined
    ? `  name: ${question}${asks('what is this cluster called? Lower-case letters, digits and dashes, such as prod.')}`
    : `  name: ${scalar(name.value)}${says(name.from)}`
}

function endpointLine({ cluster, machines, answers }: DraftParts): string {
  if (answers.endpoint !== undefined) return `endpoint: ${scalar(answers.endpoint)}${says('--endpoint')}`
  const ask = (why: string) =>
    `endpoint: ${question}${asks(`which DNS name and port will all clients use, such as apiserver.example.com:8443? ${why}`)}`
  if (cluster === undefined) return ask('It must resolve to the load balancer.')
  if (cluster.endpoint === 'unread') return ask('If kubeadm-config has a controlPlaneEndpoint, write that.')
  if (cluster.endpoint === undefined) return ask('kubeadm-config has no controlPlaneEndpoint.')
  const seen = existingEndpoint(cluster)
  if (seen === undefined)
    return ask(
      `kubeadm-config has ${inComment(cluster.endpoint)}, which is not a DNS name: it stays valid beside the new one.`,
    )
  const host = parseEndpoint(seen)?.host
  if ([...machines.controlPlanes, ...machines.workers].some(({ name }) => name === host))
    return ask(`kubeadm-config has ${seen}, which is the name of a node.`)
  return `endpoint: ${scalar(seen)}${says('controlPlaneEndpoint of kubeadm-config')}`
}

/** controlPlaneEndpoint with its port, which is the API server's unless it is written; undefined if it is no name. */
function existingEndpoint({ endpoint, apiPort }: ClusterSight): string | undefined {
  if (endpoint === undefined || endpoint === 'unread') return undefined
  const whole = isDnsName(endpoint) ? `${endpoint}:${apiPort ?? 6443}` : endpoint
  return parseEndpoint(whole) === undefined ? undefined : whole
}

function loadBalancerLines({ cluster, machines, virtualIP }: DraftParts): readonly string[] {
  const balancer = cluster?.balancer
  const hasEndpoint = cluster !== undefined && existingEndpoint(cluster) !== undefined
  if (balancer !== undefined && (hasEndpoint || balancer.virtualIP !== undefined))
    return [
      `  kind: ${balancer.kind}${says(balancer.from)}`,
      ...(balancer.virtualIP === undefined ? [] : [`  virtualIP: ${scalar(balancer.virtualIP)}${says(balancer.from)}`]),
      ...(balancer.image === undefined
        ? []
        : [`  image: ${JSON.stringify(inComment(balancer.image))}${says(balancer.from)}`]),
    ]
  if (hasEndpoint)
    return [
      `  kind: ${question}${asks('what serves this endpoint? external: a load balancer of your own. haproxy, kube-vip, node-local, service: Quorate sets it up.')}`,
      '  # haproxy and kube-vip need a further line: virtualIP: ADDRESS. kube-vip and haproxy on hosts of its own can serve the port of the API server.',
    ]
  const near = machines.controlPlanes[0]?.address
  const where = near === undefined ? "in the control planes' subnet" : `in the subnet of ${near}`
  return [
    `  kind: haproxy${says('the default: haproxy and keepalived on the control planes. Or external, kube-vip, node-local, service')}`,
    ...(balancer === undefined ? [] : [`  # ${balancer.from}.`]),
    virtualIP === undefined
      ? `  virtualIP: ${question}${asks(`which unused address ${where} will the endpoint have? For node-local, delete this line.`)}`
      : `  virtualIP: ${scalar(virtualIP.address)}${says(virtualIP.from)}`,
  ]
}

function machineLine({ name, address, agent, from }: Machine): string {
  const fields = [
    `name: ${name === undefined ? question : scalar(name)}`,
    `address: ${address === undefined ? question : scalar(address)}`,
    ...(agent === undefined
      ? []
      : [`agent: ${isIP(agent) === 4 ? agent : JSON.stringify(isIP(agent) === 6 ? `[${agent}]` : agent)}`]),
  ]
  const line = `  - {${fields.join(', ')}}`
  if (name === undefined) return line + asks(`what is its node name? It is ${from}.`)
  if (address === undefined)
    return line + asks(`which IP address does it have in the network of the cluster? It is ${from}.`)
  return line + says(from)
}

const missingLine = (place: number): string =>
  `  - {name: ${question}, address: ${question}}${asks(`which machine becomes control plane ${place}? Its node name and IP address, as --join NAME=ADDRESS.`)}`

function workerLines(workers: readonly Machine[]): readonly string[] {
  return workers.length === 0 ? [`workers: []${says('none was found')}`] : ['workers:', ...workers.map(machineLine)]
}
