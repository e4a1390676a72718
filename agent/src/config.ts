import { isIP } from 'node:net'
import { QuorateError } from '@quorate/shared/errors'
import { isDnsName, type NodeName } from '@quorate/shared/names'
import { filePlace } from '@quorate/shared/text-place'
import { readYaml } from '@quorate/shared/yaml-text'

/** agent.yaml with its defaults filled in. */
export interface AgentConfig {
  /** This node's name; its certificate must carry it. */
  readonly node: NodeName
  /** `IP:port`, with an IPv6 address in brackets. */
  readonly listen: string
  /** The address of `listen` without the port. */
  readonly listenAddress: string
  /** As the node's programs see it, like every path of a node. */
  readonly stateFolder: string
  /** Empty: the socket that this node's kubelet uses, or one that answers. */
  readonly criSocket: string
  /** `/`, or the folder of a simulated node, which holds all its paths. */
  readonly hostRoot: string
  /** The age recipient that backups of this node go to; empty: the first one that asks. */
  readonly backupRecipient: string
}

const defaults = {
  listen: '127.0.0.1:7445',
  stateFolder: '/var/lib/quorate-agent',
  criSocket: '',
  hostRoot: '/',
  backupRecipient: '',
}

const keys = ['node', ...Object.keys(defaults)]

/** Parses agent.yaml; AGENT_CONFIG_INVALID names the key and the expected value. */
export function parseAgentConfig(text: string, path: string): AgentConfig {
  const invalid = (why: string) => new QuorateError('AGENT_CONFIG_INVALID', `${path}: ${why}`, { where: path })
  const value = readYaml(text, 'AGENT_CONFIG_INVALID', filePlace(path)).value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not a map of keys')
  for (const [key, given] of Object.entries(value)) {
    if (!keys.includes(key)) throw invalid(`unknown key ${JSON.stringify(key)}; known: ${keys.join(', ')}`)
    if (typeof given !== 'string') throw invalid(`${key} must be a string`)
  }
  const { node = '', ...rest } = value as Record<string, string>
  const { listen, stateFolder, criSocket, hostRoot, backupRecipient } = { ...defaults, ...rest }
  if (!isDnsName(node)) throw invalid("node must be this node's name")
  const listenAddress = addressOf(listen)
  if (listenAddress === undefined) throw invalid('listen must be IP:port')
  for (const [key, given] of Object.entries({ stateFolder, criSocket, hostRoot })) {
    if (!given.startsWith('/') && given !== defaults.criSocket) throw invalid(`${key} must be an absolute path`)
  }
  if (!/^(age1[a-z0-9]+)?$/.test(backupRecipient)) throw invalid('backupRecipient must be an age recipient')
  return { node: node as NodeName, listen, listenAddress, stateFolder, criSocket, hostRoot, backupRecipient }
}

function addressOf(listen: string): string | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen)
  const address = match?.[1] ?? match?.[2] ?? ''
  return isIP(address) !== 0 && Number(match?.[3]) <= 65535 ? address : undefined
}
