import { isIP } from 'node:net'
import { QuorateError } from '@quorate/shared/errors'
import { type Endpoint, parseEndpoint, parseNodeName } from '@quorate/shared/names'
import { type PositionedYaml, readPositionedYaml } from '@quorate/shared/yaml-document'
import type { z } from 'zod'
import type { ClusterFile, NodeEntry } from './cluster-file.js'
import { clusterFileRules } from './cluster-file-rules.js'
import { type ClusterFileText, clusterFileSchema, keysAt, type NodeText } from './cluster-file-schema.js'
import { canonicalAddress, dialTarget, parseHostPort } from './node-address.js'
import { openQuestions } from './open-questions.js'
import { eachNode, type Problem } from './problem.js'

/** A thousand nodes are 100 KB; what is larger than this is another file. */
export const largestFile = 4 * 1024 * 1024

/** What is wrong in more places is another file, and each place costs a search. */
const mostProblems = 50

interface Located {
  readonly line: number
  readonly message: string
  readonly remedy: string
}

/**
 * Text of a cluster file -> ClusterFile with every default filled in; CLUSTER_FILE_INVALID names every problem with its line and
 * remedy. `source` is the name that errors show.
 */
export function parseClusterFile(text: string, source: string): ClusterFile {
  if (text.length > largestFile)
    throw refuse(source, [{ line: 1, message: 'the file is larger than 4 MiB', remedy: 'This is not a cluster file.' }])
  const yaml = readPositionedYaml(text)
  if (yaml.problems.length > 0) {
    throw refuse(
      source,
      yaml.problems.map((problem) => ({ ...problem, remedy: 'Fix the YAML syntax at this line.' })),
    )
  }
  // Before anything else: what the rest must be depends on the answers.
  const open = openQuestions(yaml, text, mostProblems)
  if (open.length > 0) throw refuse(source, locate(yaml, open))
  const shape = clusterFileSchema.safeParse(yaml.value)
  if (!shape.success) throw refuse(source, locate(yaml, shape.error.issues.flatMap(asProblems)))
  const problems = [...clusterFileRules.flatMap((rule) => rule(shape.data)), ...agentProblems(shape.data)]
  if (problems.length > 0) throw refuse(source, locate(yaml, problems))
  return complete(shape.data)
}

function locate(yaml: PositionedYaml, problems: readonly Problem[]): readonly Located[] {
  const located = problems
    .slice(0, mostProblems)
    .map(({ path, message, remedy }) => ({ line: yaml.lineOf(path), message, remedy }))
    .sort((a, b) => a.line - b.line)
  const left = problems.length - located.length
  if (left === 0) return located
  return [...located, { line: 1, message: `${left} problems more`, remedy: 'Correct these first.' }]
}

function asProblems(issue: z.core.$ZodIssue): readonly Problem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  const name = path.join('.') || 'the file'
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(path).join(', ')
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key ${JSON.stringify(key)}`,
      remedy: `Remove it or correct its spelling. Allowed here: ${allowed}.`,
    }))
  }
  const missing = issue.code !== 'custom' && 'input' in issue && issue.input === undefined
  if (missing || issue.message.endsWith('received undefined'))
    return [{ path, message: `${name} is missing`, remedy: 'Add it; docs/cluster-file.md has an example.' }]
  return [
    { path, message: `${name}: ${issue.message}`, remedy: 'Correct the value; docs/cluster-file.md has an example.' },
  ]
}

function agentProblems(file: ClusterFileText): readonly Problem[] {
  return eachNode(file, ({ agent }, path) =>
    agent === undefined || parseHostPort(agent) !== undefined
      ? []
      : [
          {
            path: [...path, 'agent'],
            message: `${JSON.stringify(agent)} is not an address of an agent`,
            remedy: 'Write HOST or HOST:PORT, or leave it out: the node’s address and port 7445.',
          },
        ],
  )
}

function refuse(source: string, problems: readonly Located[]): QuorateError {
  const [first] = problems
  const where = `${source}:${first?.line ?? 1}`
  if (problems.length === 1 && first !== undefined) {
    return new QuorateError('CLUSTER_FILE_INVALID', `line ${first.line}: ${first.message}`, {
      where,
      remedy: first.remedy,
    })
  }
  const list = problems.map(
    ({ line, message, remedy }) => `line ${line}: ${message}${/[.?]$/.test(message) ? '' : '.'} ${remedy}`,
  )
  return new QuorateError('CLUSTER_FILE_INVALID', `${problems.length} problems:\n  ${list.join('\n  ')}`, { where })
}

function complete(text: ClusterFileText): ClusterFile {
  const { virtualIP, virtualRouterId, kind, hosts, nodePort, underKubelets, image, bgp } = text.loadBalancer
  return {
    name: text.metadata.name,
    endpoint: parseEndpoint(text.endpoint) as Endpoint, // endpointIsName has seen it
    loadBalancer: {
      kind,
      virtualIP,
      virtualRouterId: virtualRouterId ?? routerIdOf(virtualIP),
      hosts: hosts.map(asNode),
      nodePort,
      underKubelets,
      ...(image === undefined ? {} : { image }),
      ...(bgp === undefined ? {} : { bgp }),
    },
    controlPlanes: text.controlPlanes.map(asNode),
    workers: text.workers.map(asNode),
    policy: text.policy,
  }
}

function asNode({ name, address, agent, ssh }: NodeText): NodeEntry {
  const { host, port } = parseHostPort(agent ?? address) ?? { host: address, port: undefined }
  return {
    name: parseNodeName(name),
    address: canonicalAddress(address),
    agent: dialTarget(host, port),
    ...(ssh === undefined ? {} : { ssh }),
  }
}

/** VRRP router ids must differ within a subnet, as addresses do: the last byte of the virtual IP, never 0 (RFC 5798: 1 to 255). */
function routerIdOf(virtualIP: string | undefined): number {
  if (virtualIP === undefined) return 1
  if (isIP(virtualIP) === 4) return Number(virtualIP.split('.')[3]) || 1
  return Number.parseInt(canonicalAddress(virtualIP).split(':').at(-1) || '1', 16) % 256 || 1
}
